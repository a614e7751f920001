import { setSequence } from '../sequences.ts';
import type { Standstill } from '../source/fence.ts';
import type { Client } from '../wire/connect.ts';
import { literal, qualified } from '../wire/sql.ts';

/**
 * The stream raises a counter with each row that it brings; only numbers that were given and never kept (a rolled back
 * insert) are missing. So in the freeze almost always nothing is set: one look, then only what is behind.
 */
export async function setCounters(client: Client, { counters, sequences }: Standstill): Promise<void> {
  const here = new Map((await client.query(client.dialect.counters)).map(({ name, next }) => [name!, next!]));
  for (const [name, next] of counters) {
    const [schema, table] = tableNamed(name);
    if (!schema || !table) continue;
    const has = here.get(name) ?? (await slowly(client, schema, table));
    if (has !== undefined && BigInt(has) < BigInt(next))
      await client.query(`ALTER TABLE ${qualified(schema, table)} AUTO_INCREMENT = ${next}`);
  }
  for (const sequence of sequences) await setSequence(client, sequence);
}

/** For a table that nobody has opened since the server started. */
async function slowly(client: Client, schema: string, table: string): Promise<string | undefined> {
  const where = `TABLE_SCHEMA = ${literal(schema)} AND TABLE_NAME = ${literal(table)}`;
  return (await client.value(`SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE ${where}`)) ?? undefined;
}

/** InnoDB names a table as its file: `shop@002ddb/orders#P#p0`. */
function tableNamed(file: string): string[] {
  const [table] = file.split(/#P#/i);
  return table!
    .split('/')
    .map((part) =>
      part.replaceAll(/@([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    );
}
