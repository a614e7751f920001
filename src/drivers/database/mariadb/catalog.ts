import type { Share } from './external/share.ts';
import { appSchema, notOurAccount } from './names.ts';
import type { Client } from './wire/connect.ts';
import { literal } from './wire/sql.ts';

export interface TableRef {
  schema: string;
  name: string;
}

/** Tables with rows of their own, the largest first. `bytes` and `rows` are estimates. */
export async function carriedTables(client: Client): Promise<(TableRef & { bytes: number; rows: number })[]> {
  const rows = await client.query(
    `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS n, COALESCE(DATA_LENGTH, 0) AS bytes, COALESCE(TABLE_ROWS, 0) AS estimate
      FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ${appSchema('TABLE_SCHEMA', client.share)} ORDER BY bytes DESC, 1, 2`,
  );
  return rows.map(({ s, n, bytes, estimate }) => ({
    schema: s!,
    name: n!,
    bytes: Number(bytes),
    rows: Number(estimate),
  }));
}

export async function sequencesOf(client: Client): Promise<TableRef[]> {
  const rows = await client.query(
    `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS n FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE' AND ${appSchema('TABLE_SCHEMA', client.share)} ORDER BY 1, 2`,
  );
  return rows.map(({ s, n }) => ({ schema: s!, name: n! }));
}

export async function appSchemas(client: Client): Promise<string[]> {
  const rows = await client.query(
    `SELECT SCHEMA_NAME AS s FROM information_schema.SCHEMATA WHERE ${appSchema('SCHEMA_NAME', client.share)} ORDER BY 1`,
  );
  return rows.map(({ s }) => s!);
}

/** Whoever else uses the server does not come to these tables. */
const inShare = ({ user, database }: Share) => `p.USER = ${literal(user)} OR p.DB = ${literal(database)}`;

/** The oldest transaction of anybody but Storky that holds locks on tables, or undefined. Seconds. */
export async function oldestTransaction(client: Client): Promise<{ seconds: number; detail: string } | undefined> {
  const [row] = await client.query(
    `SELECT TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE()) AS seconds,
        CONCAT(COALESCE(p.USER, 'a prepared transaction'), ', thread ', t.trx_mysql_thread_id, ', ', COALESCE(p.COMMAND, t.trx_state)) AS detail
      FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
      WHERE (t.trx_rows_modified > 0 OR t.trx_tables_locked > 0) AND t.trx_mysql_thread_id <> CONNECTION_ID()
        AND (${client.share ? inShare(client.share) : `p.USER IS NULL OR (${notOurAccount('p.USER')} AND p.USER <> 'system user')`}) ORDER BY t.trx_started LIMIT 1`,
  );
  return row && { seconds: Number(row.seconds), detail: row.detail! };
}

/** Transactions that were prepared and wait for their coordinator, by name. */
export async function preparedTransactions(client: Client): Promise<string[]> {
  return (await client.query('XA RECOVER')).map(({ data }) => data!);
}
