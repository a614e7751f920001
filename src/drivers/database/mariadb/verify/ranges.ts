import { keyConstant, keyText } from '../keys.ts';
import type { Client } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import type { ComparedTable } from './tables.ts';

/** Small enough that the keys and hashes of one range fit in memory many times over. */
const rangeRows = 20_000;

/** First key columns above `after`, up to and with `upTo`; null is no bound, so that together the ranges are the whole table. */
export interface Range {
  after: string | null;
  upTo: string | null;
}

/** Cuts the table along its key's first column as the source has it now. Without a key: one range. */
export async function* ranges(
  source: Client,
  table: ComparedTable,
  begin: Range['after'] = null,
): AsyncGenerator<Range> {
  const [first] = table.key;
  let after = begin;
  while (first) {
    const column = identifier(first.name);
    const above = after === null ? '' : `WHERE ${column} > ${keyConstant(first, after)}`;
    const upTo = await source.value(
      `SELECT ${keyText(first)} FROM ${table.table} ${above} ORDER BY ${column} LIMIT 1 OFFSET ${rangeRows}`,
    );
    if (upTo === null) break;
    yield { after, upTo };
    after = upTo;
  }
  yield { after, upTo: null };
}

export function within({ key }: ComparedTable, { after, upTo }: Range): string {
  const [first] = key;
  const bounds: string[] = [];
  if (first && after !== null) bounds.push(`${identifier(first.name)} > ${keyConstant(first, after)}`);
  if (first && upTo !== null) bounds.push(`${identifier(first.name)} <= ${keyConstant(first, upTo)}`);
  return bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : '';
}
