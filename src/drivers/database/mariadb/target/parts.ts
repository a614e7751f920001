import type { TableRef } from '../catalog.ts';
import type { Client } from '../wire/connect.ts';
import { identifier, literal, qualified } from '../wire/sql.ts';

/** About so much of a table is read by one statement and written by one transaction. Bytes on the source. */
const partBytes = 64 * 1024 * 1024;

/** How a SELECT of a part ends. */
export type Part = string;

/**
 * Cuts a large table at values of its primary key, where that begins with a whole number: half open, the first without a
 * beginning and the last without an end, so that every row is in exactly one. Wants a session that sees the moment of the copy.
 */
export async function partsOf(
  reader: Client,
  table: TableRef & { bytes: number },
  most: number = partBytes,
): Promise<Part[]> {
  const count = Math.ceil(table.bytes / most);
  const column = count < 2 ? undefined : await leadingNumber(reader, table);
  if (!column) return [''];
  const [ends] = await reader.query(
    `SELECT MIN(${column}) AS low, MAX(${column}) AS high FROM ${qualified(table.schema, table.name)}`,
  );
  if (!ends?.low || !ends.high) return [''];
  const values = cuts(BigInt(ends.low), BigInt(ends.high), count);
  // The server would rather read all of a table each time than a large range of its key.
  return ranges(column, values).map((range) => `FORCE INDEX (PRIMARY) ${range}`);
}

/** The first column of the primary key, quoted, if it is a whole number. */
async function leadingNumber(client: Client, { schema, name }: TableRef): Promise<string | undefined> {
  const found = await client.value(
    `SELECT s.COLUMN_NAME AS n FROM information_schema.STATISTICS s JOIN information_schema.COLUMNS c
        ON c.TABLE_SCHEMA = s.TABLE_SCHEMA AND c.TABLE_NAME = s.TABLE_NAME AND c.COLUMN_NAME = s.COLUMN_NAME
      WHERE s.TABLE_SCHEMA = ${literal(schema)} AND s.TABLE_NAME = ${literal(name)} AND s.INDEX_NAME = 'PRIMARY'
        AND s.SEQ_IN_INDEX = 1 AND c.DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint')`,
  );
  return found === null ? undefined : identifier(found);
}

/** At most `count - 1` values from `low` to just below `high`, in order, none of them twice. */
export function cuts(low: bigint, high: bigint, count: number): bigint[] {
  const at = (n: number) => low + ((high - low) * BigInt(n)) / BigInt(count);
  const values = Array.from({ length: count - 1 }, (_, n) => at(n + 1));
  return [...new Set(values)].filter((value) => value < high);
}

function ranges(column: string, values: bigint[]): string[] {
  return [...values, undefined].map((upTo, n) => {
    const bounds: string[] = [];
    if (n > 0) bounds.push(`${column} > ${values[n - 1]}`);
    if (upTo !== undefined) bounds.push(`${column} <= ${upTo}`);
    return bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : '';
  });
}
