import { carriedTables } from '../catalog.ts';
import { bytesOf, type Column, storedColumns, variableLength } from '../columns.ts';
import { keyConstant, keyOf, keyText } from '../keys.ts';
import type { Client } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';

export interface ComparedTable {
  label: string;
  /** Quoted. */
  table: string;
  /** Empty where there is none that can be named. */
  key: Column[];
  /** A number for a whole row, of sixty bits. */
  hash: string;
  /** Estimated. */
  rows: number;
}

export async function comparedTables(source: Client): Promise<ComparedTable[]> {
  const tables: ComparedTable[] = [];
  for (const table of await carriedTables(source))
    tables.push({
      label: `${table.schema}.${table.name}`,
      table: qualified(table.schema, table.name),
      key: await keyOf(source, table),
      hash: rowHash(await storedColumns(source, table)),
      rows: table.rows,
    });
  return tables.sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** Which columns are NULL, how long those are that may vary, then what they hold: no two rows read the same. */
function rowHash(columns: Column[]): string {
  const parts = [
    `CONCAT(${columns.map(({ name }) => `ISNULL(${identifier(name)})`).join(', ')})`,
    ...columns.filter(variableLength).map(({ name }) => `IFNULL(LENGTH(${identifier(name)}), 0)`),
    ...columns.map((column) => `IFNULL(${bytesOf(column)}, '')`),
  ];
  return `CAST(CONV(LEFT(MD5(CONCAT_WS('|', ${parts.join(', ')})), 15), 16, 10) AS UNSIGNED)`;
}

/** The key as one text: what `keyCondition` reads. */
export const keyTexts = (key: Column[]): string =>
  `CONCAT_WS('|', ${key.map((column) => keyParts(column)).join(', ')})`;

/** No `|` can be in it. */
const keyParts = (column: Column) =>
  column.charset || column.type.includes('binary') ? keyText(column) : `HEX(${keyText(column)})`;

/** `a = … AND b = …` for one key text. */
export const keyCondition = (key: Column[], text: string): string =>
  text
    .split('|')
    .map((part, n) => `${identifier(key[n]!.name)} = ${keyConstant(key[n]!, plainPart(key[n]!, part))}`)
    .join(' AND ');

export const plainPart = (column: Column, part: string): string =>
  column.charset || column.type.includes('binary') ? part : Buffer.from(part, 'hex').toString('utf8');

/** For people: `id = 7`. Text is shown as it is, other bytes in hexadecimal. */
export const keyNames = (key: Column[], text: string): string =>
  text
    .split('|')
    .map((part, n) => {
      const column = key[n]!;
      const shown = column.charset ? Buffer.from(part, 'hex').toString('utf8') : plainPart(column, part);
      return `${column.name} = ${shown}`;
    })
    .join(', ');
