import type { Client } from '../wire/connect.ts';
import { identifier, literal } from '../wire/sql.ts';

/** How the database was made, before a move filled it: JSON, kept with the instance. */
export interface Before {
  /** The statement, in the server's words. */
  create: string;
  [key: string]: unknown;
}

const kinds = [
  ['the table', 'TABLES', 'TABLE_SCHEMA', 'TABLE_NAME'],
  ['the routine', 'ROUTINES', 'ROUTINE_SCHEMA', 'ROUTINE_NAME'],
  ['the event', 'EVENTS', 'EVENT_SCHEMA', 'EVENT_NAME'],
] as const;

/** Whatever somebody has made there, in words. */
export async function contentsOf(client: Client): Promise<string[]> {
  const schema = literal(client.share!.database);
  const answers = await client.batch(
    ...kinds.map(
      ([, table, column, name]) =>
        `SELECT ${name} AS name FROM information_schema.${table} WHERE BINARY ${column} = ${schema} ORDER BY 1`,
    ),
  );
  return answers.flatMap((rows, n) => rows.map(({ name }) => `${kinds[n]![0]} ${name}`));
}

/** Makes a database where there is none, as it is here. */
export async function createStatement(client: Client, schema: string): Promise<string> {
  const [row] = await client.query(`SHOW CREATE DATABASE IF NOT EXISTS ${identifier(schema)}`);
  return row!['Create Database']!;
}

/** Only of one that was empty when it was taken: what is in it came by the move. Idempotent. */
export async function emptyOut(client: Client, { create }: Before): Promise<void> {
  await client.query('SET foreign_key_checks = 0');
  await client.query(`DROP DATABASE IF EXISTS ${identifier(client.share!.database)}`);
  await client.query(create);
}
