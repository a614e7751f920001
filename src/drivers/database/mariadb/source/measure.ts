import type { Measure } from '../../../store.ts';
import type { Share } from '../external/share.ts';
import { appSchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';

/** Size, estimated rows, and what live leaves behind. */
export async function measureSource(client: Client): Promise<Measure> {
  const [size] = await client.query(
    `SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) AS bytes, CAST(COALESCE(SUM(TABLE_ROWS), 0) AS UNSIGNED) AS items
      FROM information_schema.TABLES WHERE TABLE_TYPE <> 'VIEW' AND ${appSchema('TABLE_SCHEMA', client.share)}`,
  );
  const own = client.share ? [foreignEngines] : [foreignEngines, ...ofServer];
  return { bytes: Number(size!.bytes), items: Number(size!.items), notMoved: await notMoved(client, own) };
}

type Question = [ask: (share: Share | undefined) => string, say: (name: string) => string];

const foreignEngines: Question = [
  (share) => `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') AS name FROM information_schema.TABLES
    WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB' AND ${appSchema('TABLE_SCHEMA', share)}`,
  (name) => `the rows of ${name} as of one moment: its engine keeps no snapshot`,
];

/** Of a server that is the app's alone. */
const ofServer: Question[] = [
  [() => `SELECT Server_name AS name FROM mysql.servers`, (name) => `the address of the foreign server ${name}`],
  [() => `SELECT name FROM mysql.func`, (name) => `the library of the function ${name}`],
  [
    () =>
      `SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS WHERE PLUGIN_LIBRARY IS NOT NULL AND PLUGIN_LIBRARY NOT LIKE 'auth\\_socket%'`,
    (name) => `the plugin ${name}`,
  ],
];

async function notMoved(client: Client, questions: Question[]): Promise<string[]> {
  const words: string[] = [];
  for (const [ask, say] of questions)
    words.push(...(await client.query(ask(client.share))).map(({ name }) => say(name!)));
  return words;
}
