import { notOurRole, storkySchema } from './names.ts';
import type { Client } from './wire/connect.ts';

/** Relations of the app: not the system's, not Storky's, no other session's temporary ones, not an extension's own. */
export const userRelations = (kinds: string) => `
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN (${kinds}) AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${storkySchema}')
    AND c.relpersistence <> 't'`;

export const notOfExtension = `AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = c.oid AND d.deptype = 'e')`;

export interface TableRef {
  schema: string;
  name: string;
}

/** Tables with rows of their own that live carries: logged, leaves of partitions included. */
export async function carriedTables(client: Client): Promise<TableRef[]> {
  const { rows } = await client.query(
    `SELECT n.nspname AS schema, c.relname AS name ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'p' ORDER BY 1, 2`,
  );
  return rows as TableRef[];
}

/** The oldest transaction of anybody but Storky, or undefined. Seconds. */
export async function oldestTransaction(
  client: Client,
  where: 'this database' | 'any database' = 'this database',
): Promise<{ seconds: number; detail: string } | undefined> {
  const here = where === 'this database' ? 'current_database()' : 'ANY (SELECT datname FROM pg_catalog.pg_database)';
  const { rows } = await client.query(
    `SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds,
        format('%s, process %s, %s', usename, pid, state) AS detail
      FROM pg_catalog.pg_stat_activity
      WHERE datname = ${here} AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
        AND backend_type = 'client backend' AND ${notOurRole('usename')}
    UNION ALL
    SELECT extract(epoch FROM clock_timestamp() - prepared)::float8, format('prepared transaction %s', gid)
      FROM pg_catalog.pg_prepared_xacts WHERE database = ${here}
    ORDER BY 1 DESC LIMIT 1`,
  );
  return rows[0] as { seconds: number; detail: string } | undefined;
}
