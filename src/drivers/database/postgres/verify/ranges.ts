import type { Client } from '../wire/connect.ts';
import { type ComparedTable, keyParameter, keyRow, keyTexts } from './tables.ts';

/** Small enough that the keys and hashes of one range fit in memory many times over. */
const rangeRows = 20_000;

/** Keys above `after` up to and with `upTo`; null is no bound, so that together the ranges are the whole table. */
export interface Range {
  after: string[] | null;
  upTo: string[] | null;
}

/** Cuts the table along its key as the source has it now. Without a key: one range. */
export async function* ranges(
  source: Client,
  table: ComparedTable,
  begin: Range['after'] = null,
): AsyncGenerator<Range> {
  let after = begin;
  while (table.key.length > 0) {
    const upTo = await boundary(source, table, after);
    if (!upTo) break;
    yield { after, upTo };
    after = upTo;
  }
  yield { after, upTo: null };
}

async function boundary(
  source: Client,
  { table, key }: ComparedTable,
  after: string[] | null,
): Promise<string[] | undefined> {
  const { rows } = await source.query(
    `SELECT ${keyTexts(key)} AS key FROM ONLY ${table} r ${after ? `WHERE ${keyRow(key)} > ${keyParameter(key, 1)}` : ''}
      ORDER BY ${key.map((_, at) => keyRow([key[at]!])).join(', ')} OFFSET ${rangeRows} LIMIT 1`,
    after ? [after] : [],
  );
  return rows[0]?.key as string[] | undefined;
}

/** The WHERE clause of a range, and its parameters. */
export function within({ key }: ComparedTable, { after, upTo }: Range): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const bounds: string[] = [];
  if (after) bounds.push(`${keyRow(key)} > ${keyParameter(key, values.push(after))}`);
  if (upTo) bounds.push(`${keyRow(key)} <= ${keyParameter(key, values.push(upTo))}`);
  return { where: bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : '', values };
}
