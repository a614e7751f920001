import type { Client } from '../wire/connect.ts';
import { type Range, within } from './ranges.ts';
import { type ComparedTable, keyCondition, keyTexts } from './tables.ts';

/** Count and sum of the row hashes; equal for equal sets of rows, in whatever order. */
export async function checksum(
  client: Client,
  table: ComparedTable,
  range: Range,
): Promise<{ rows: string; sum: string }> {
  const [row] = await client.query(
    `SELECT COUNT(*) AS n, COUNT(${table.hash}) AS hashed, COALESCE(SUM(${table.hash}), 0) AS total FROM ${table.table} ${within(table, range)}`,
  );
  if (row!.n !== row!.hashed) throw new Error(`${table.label}: rows that cannot be hashed`);
  return { rows: row!.n!, sum: row!.total! };
}

/**
 * What identifies a row (its key) → what it holds (its hash). Without a key, rows are told apart by what they hold:
 * hash → how many there are.
 */
export type Rows = Map<string, string>;

export async function rowsOf(
  client: Client,
  table: ComparedTable,
  range: Range,
  part = { of: 1, at: 0 },
): Promise<Rows> {
  const keyed = `SELECT ${keyTexts(table.key)} AS id, ${table.hash} AS holds FROM ${table.table} ${within(table, range)}`;
  return asMap(await client.query(table.key.length > 0 ? keyed : byHash(table, `h MOD ${part.of} = ${part.at}`)));
}

/** The rows with these identities as they are now. */
export async function rowsNow(client: Client, table: ComparedTable, ids: string[]): Promise<Rows> {
  const { key } = table;
  if (key.length === 0) return asMap(await client.query(byHash(table, `h IN (${ids.join(', ')})`)));
  const conditions = ids.map((id) => `(${keyCondition(key, id)})`).join(' OR ');
  return asMap(
    await client.query(`SELECT ${keyTexts(key)} AS id, ${table.hash} AS holds FROM ${table.table} WHERE ${conditions}`),
  );
}

const byHash = ({ table, hash }: ComparedTable, which: string) =>
  `SELECT h AS id, COUNT(*) AS holds FROM (SELECT ${hash} AS h FROM ${table}) x WHERE ${which} GROUP BY h`;

const asMap = (rows: Record<string, string | null>[]): Rows => new Map(rows.map(({ id, holds }) => [id!, holds!]));
