import { storkySchema } from './names.ts';
import type { Client } from './wire/connect.ts';
import { literal } from './wire/sql.ts';

/** A row in one of these says that a stream, in either direction, or a seal still needs the schema. */
const needed = ['ticket', 'copy', 'standby_account', 'sealed_account', 'sealed_setting'];

export async function storkyTables(client: Client): Promise<Set<string>> {
  const rows = await client.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${storkySchema}'`,
  );
  return new Set(rows.map(({ name }) => name!));
}

/** What a stream left in these tables is taken away; what belongs to another stream stays. Idempotent. */
export async function forgetStream(client: Client, migration: string, ...tables: string[]): Promise<void> {
  const there = await storkyTables(client);
  for (const table of tables.filter((name) => there.has(name)))
    await client.query(`DELETE FROM ${storkySchema}.${table} WHERE migration = ${literal(migration)}`);
}

/** The schema goes with the last that needs it. Idempotent. */
export async function dropUnneeded(client: Client): Promise<void> {
  const there = await storkyTables(client);
  // There may be no right to make it, nor to take it away.
  if (client.share && there.size === 0) return;
  const asked = needed
    .filter((name) => there.has(name))
    .map((name) => `(SELECT 1 FROM ${storkySchema}.${name} LIMIT 1)`);
  if (asked.length > 0 && (await client.query(asked.join(' UNION ALL '))).length > 0) return;
  await client.query(`DROP DATABASE IF EXISTS ${storkySchema}`);
}
