import type { TableRef } from './catalog.ts';
import type { Column } from './columns.ts';
import type { Client } from './wire/connect.ts';
import { identifier, literal } from './wire/sql.ts';

const integers = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'];
const ordered = [
  ...integers,
  'decimal',
  'char',
  'varchar',
  'binary',
  'varbinary',
  'date',
  'datetime',
  'timestamp',
  'uuid',
];

const _isInteger = ({ type }: Column) => integers.includes(type);

/**
 * The columns of the primary key, or else of a unique index without NULL. Empty where there is none, or where one of its columns is of
 * a kind (or an expression, or only a part of a column) whose values cannot be named exactly in a statement.
 */
export async function keyOf(client: Client, table: TableRef): Promise<Column[]> {
  const rows = await client.query(
    `SELECT s.INDEX_NAME AS i, s.COLUMN_NAME AS n, c.DATA_TYPE AS t, c.CHARACTER_SET_NAME AS cs, c.COLLATION_NAME AS o, s.SUB_PART AS part, c.IS_NULLABLE AS nullable
      FROM information_schema.STATISTICS s LEFT JOIN information_schema.COLUMNS c
        ON c.TABLE_SCHEMA = s.TABLE_SCHEMA AND c.TABLE_NAME = s.TABLE_NAME AND c.COLUMN_NAME = s.COLUMN_NAME
      WHERE s.TABLE_SCHEMA = ${literal(table.schema)} AND s.TABLE_NAME = ${literal(table.name)} AND s.NON_UNIQUE = 0
      ORDER BY s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX`,
  );
  for (const index of new Set(rows.map(({ i }) => i))) {
    const columns = rows.filter(({ i }) => i === index);
    const usable = columns.every(
      ({ t, part, nullable }) => t !== null && ordered.includes(t!.toLowerCase()) && part === null && nullable === 'NO',
    );
    if (usable)
      return columns.map(({ n, t, cs, o }) => ({ name: n!, type: t!.toLowerCase(), charset: cs!, collation: o! }));
  }
  return [];
}

/** Reads a key's value so that `keyConstant` can name it again: hexadecimal for what is made of bytes. */
export const keyText = ({ name, type, charset }: Column): string =>
  charset || type.includes('binary') ? `HEX(${identifier(name)})` : `CAST(${identifier(name)} AS CHAR)`;

/** The constant that compares with the column as its own value does: same character set, same collation. */
export function keyConstant({ type, charset, collation }: Column, text: string): string {
  if (charset) return `(_${charset} x'${text}' COLLATE ${collation})`;
  if (type.includes('binary')) return `x'${text}'`;
  return integers.includes(type) || type === 'decimal' ? text : literal(text);
}
