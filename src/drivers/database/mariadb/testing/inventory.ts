import type { DatabaseInstance } from '../../contract.ts';
import { startDump } from '../server/client-tools.ts';
import { ended } from '../server/run.ts';
import { adminOf, type Client } from '../wire/connect.ts';

const questions = [
  `SELECT CONCAT_WS(' ', 'schema', SCHEMA_NAME, DEFAULT_COLLATION_NAME) AS line FROM information_schema.SCHEMATA`,
  `SELECT CONCAT_WS(' ', 'table', TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE) AS line FROM information_schema.TABLES`,
  `SELECT CONCAT_WS(' ', 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME) AS line FROM information_schema.TRIGGERS`,
  `SELECT CONCAT_WS(' ', 'routine', ROUTINE_SCHEMA, ROUTINE_NAME) AS line FROM information_schema.ROUTINES`,
  `SELECT CONCAT_WS(' ', 'event', EVENT_SCHEMA, EVENT_NAME, STATUS) AS line FROM information_schema.EVENTS`,
  `SELECT CONCAT_WS(' ', 'account', User, Host, Priv) AS line FROM mysql.global_priv`,
  ...['db', 'tables_priv', 'procs_priv', 'columns_priv'].map(
    (t) => `SELECT CONCAT_WS(' ', '${t}', User, Host, Db) AS line FROM mysql.${t}`,
  ),
  `SELECT CONCAT_WS(' ', 'role', User, Host, Role, Admin_option) AS line FROM mysql.roles_mapping`,
  `SELECT CONCAT_WS(' ', 'setting', @@read_only, @@event_scheduler, @@sync_binlog, @@gtid_domain_id) AS line`,
];

/** Every named object of a server, as text; two inventories are equal when nothing was left behind. */
export async function inventory(client: Client): Promise<string[]> {
  const lines = (await client.batch(...questions)).flat().map(({ line }) => line!);
  const streams = await client.query('SHOW ALL SLAVES STATUS');
  return [...lines, ...streams.map(({ Connection_name }) => `stream ${Connection_name}`)].sort();
}

/** Structure and rows as the server's own tool prints them. */
export async function dumpOf(instance: DatabaseInstance, schemas: string[]): Promise<string> {
  const args = ['--routines', '--triggers', '--events', '--hex-blob', '--order-by-primary', '--databases', ...schemas];
  const child = await startDump(instance, adminOf(instance), args);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await ended(child, 'mariadb-dump');
  return text;
}
