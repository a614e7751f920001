import type { Client } from '../wire/connect.ts';
import { type Range, within } from './ranges.ts';
import { type ComparedTable, keyParameter, keyRow, keyTexts, rowHash } from './tables.ts';

/** Count and sum of the row hashes; equal for equal sets of rows, in whatever order. */
export async function checksum(
  client: Client,
  table: ComparedTable,
  range: Range,
): Promise<{ rows: string; sum: string }> {
  const { where, values } = within(table, range);
  const { rows } = await client.query(
    `SELECT count(*) AS rows, coalesce(sum(${rowHash}::numeric), 0)::text AS sum FROM ONLY ${table.table} r ${where}`,
    values,
  );
  return rows[0] as { rows: string; sum: string };
}

/**
 * What identifies a row (its key as JSON) → what it holds (its hash). Without a key, rows are told apart by what they hold:
 * hash → how many there are.
 */
export type Rows = Map<string, string>;

export async function rowsOf(
  client: Client,
  table: ComparedTable,
  range: Range,
  part = { of: 1, at: 0 },
): Promise<Rows> {
  const { where, values } = within(table, range);
  const keyed = `SELECT array_to_json(${keyTextsOrNone(table)})::text AS id, ${rowHash}::text AS holds FROM ONLY ${table.table} r ${where}`;
  const whole = `SELECT h::text AS id, count(*)::text AS holds FROM (SELECT ${rowHash} AS h FROM ONLY ${table.table} r) x
    WHERE abs(h % ${part.of}) = ${part.at} GROUP BY h`;
  const { rows } = await client.query({ text: table.key.length > 0 ? keyed : whole, values, rowMode: 'array' });
  return new Map(rows as unknown as [string, string][]);
}

/** The rows with these identities as they are now; `version` adds the transaction that wrote them. */
export async function rowsNow(client: Client, table: ComparedTable, ids: string[], version: boolean): Promise<Rows> {
  const extra = version ? ` || ' ' || r.xmin::text` : '';
  const keyed = `SELECT array_to_json(${keyTextsOrNone(table)})::text AS id, ${rowHash}::text${extra} AS holds FROM ONLY ${table.table} r
    WHERE ${keyRow(table.key)} IN (${ids.map((_, n) => keyParameter(table.key, n + 1)).join(', ')})`;
  const whole = `SELECT h::text AS id, count(*)::text AS holds FROM (SELECT ${rowHash} AS h FROM ONLY ${table.table} r) x
    WHERE h = ANY ($1::int8[]) GROUP BY h`;
  const byKey = table.key.length > 0;
  const values = byKey ? ids.map((id) => JSON.parse(id) as string[]) : [ids];
  const { rows } = await client.query({ text: byKey ? keyed : whole, values, rowMode: 'array' });
  return new Map(rows as unknown as [string, string][]);
}

const keyTextsOrNone = ({ key }: ComparedTable) => (key.length > 0 ? keyTexts(key) : 'NULL');
