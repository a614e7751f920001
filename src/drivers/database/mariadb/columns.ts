import type { TableRef } from './catalog.ts';
import type { Client } from './wire/connect.ts';
import { identifier, literal } from './wire/sql.ts';

export interface Column {
  name: string;
  /** `DATA_TYPE`, lower case. */
  type: string;
  charset: string | null;
  collation: string | null;
  automatic?: boolean;
}

const inTable = ({ schema, name }: TableRef) => `TABLE_SCHEMA = ${literal(schema)} AND TABLE_NAME = ${literal(name)}`;

/** The columns that hold something of their own: generated ones are computed on the other side too. */
export async function storedColumns(client: Client, table: TableRef): Promise<Column[]> {
  const rows = await client.query(
    `SELECT COLUMN_NAME AS n, DATA_TYPE AS t, CHARACTER_SET_NAME AS c, COLLATION_NAME AS o, EXTRA AS e FROM information_schema.COLUMNS
      WHERE ${inTable(table)} AND COALESCE(GENERATION_EXPRESSION, '') = '' AND REPLACE(EXTRA, 'DEFAULT_GENERATED', '') NOT LIKE '%GENERATED%' ORDER BY ORDINAL_POSITION`,
  );
  return rows.map(({ n, t, c, o, e }) => ({
    name: n!,
    type: t!.toLowerCase(),
    charset: c!,
    collation: o!,
    automatic: e!.includes('auto_increment'),
  }));
}

const geometry = [
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
];
const blobs = /^(tiny|medium|long)?(blob|text)$/;
const approximate = ['float', 'double'];
/** Kept in binary but written as text (JSON only where it is a type of its own); a text of just the binary's length would be taken for it. */
const textual = ['uuid', 'inet4', 'inet6', 'json'];

/** What is selected so that the text in the answer is exact. The rest is exact as it is, in its own character set. */
export function readAs({ name, type }: Column): string {
  const column = identifier(name);
  // FLOAT is printed with six digits, DOUBLE with as many as it takes.
  if (approximate.includes(type)) return `CAST(${column} AS DOUBLE)`;
  return type === 'bit' ? `${column} + 0` : column;
}

/** The list of fields in LOAD DATA, and what is done with those that are not taken as they come. */
export function writeAs(columns: Column[]): string {
  const converted = columns.map(conversion);
  const some = converted.some(Boolean);
  // With any SET the server forgets that the automatic number was given, and replaces a 0: so it is set as well.
  const sets = columns.map(({ automatic }, n) => converted[n] ?? (some && automatic ? `@c${n}` : undefined));
  const fields = columns.map(({ name }, n) => (sets[n] ? `@c${n}` : identifier(name)));
  const assigned = columns.flatMap(({ name }, n) => (sets[n] ? `${identifier(name)} = ${sets[n]}` : []));
  return `(${fields.join(', ')})${some ? ` SET ${assigned.join(', ')}` : ''}`;
}

function conversion({ type }: Column, n: number): string | undefined {
  if (type === 'bit') return `CAST(@c${n} AS UNSIGNED)`;
  return textual.includes(type) ? `CONVERT(@c${n} USING utf8mb4)` : undefined;
}

/** One column's bytes for a hash: nothing is converted, and what may be large is hashed by itself. */
export function bytesOf({ name, type }: Column): string {
  const column = identifier(name);
  if (blobs.test(type) || geometry.includes(type)) return `MD5(${column})`;
  if (approximate.includes(type)) return `CAST(${column} AS DOUBLE)`;
  if (type === 'bit') return `${column} + 0`;
  // Its text, where it is a type of its own.
  if (type === 'json') return `MD5(CAST(${column} AS CHAR))`;
  if (/char|binary/.test(type)) return `CAST(${column} AS BINARY)`;
  return column;
}

/** Only these differ in length without saying so. */
export const variableLength = ({ type }: Column) => /char|binary|enum|set/.test(type);
