import { notOfExtension, userRelations } from '../catalog.ts';
import type { Client } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';

export interface KeyColumn {
  name: string;
  type: string;
}

export interface ComparedTable {
  label: string;
  /** Quoted. */
  table: string;
  /** Of the primary key or else a unique index without nulls; empty where there is none. */
  key: KeyColumn[];
  /** Estimated. */
  rows: number;
}

export async function comparedTables(source: Client): Promise<ComparedTable[]> {
  const { rows } = await source.query(
    `SELECT n.nspname AS schema, c.relname AS name, greatest(c.reltuples, 0)::float8 AS rows, k.key
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY p.at) AS key
        FROM (SELECT * FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
            AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)
          ORDER BY NOT i.indisprimary, i.indnkeyatts LIMIT 1) i
          CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY p(attnum, at) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.attnum
        WHERE p.at <= i.indnkeyatts) k ON true
      WHERE c.oid IN (SELECT c.oid ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'p') ORDER BY 1, 2`,
  );
  return rows.map(({ schema, name, rows: estimate, key }) => ({
    label: `${schema}.${name}`,
    table: qualified(schema, name),
    key: key ?? [],
    rows: estimate,
  }));
}

/** Hash of a whole row; `r.*` cannot be mistaken for a column. */
export const rowHash = `pg_catalog.hashtextextended((r.*)::pg_catalog.text COLLATE pg_catalog."C", 0)`;

/** `("a", "b")` */
export const keyRow = (key: KeyColumn[]) => `(${key.map((column) => `r.${identifier(column.name)}`).join(', ')})`;

/** The key as an array of texts, which is exact in both directions under the pinned settings. */
export const keyTexts = (key: KeyColumn[]) =>
  `ARRAY[${key.map((column) => `r.${identifier(column.name)}::pg_catalog.text`).join(', ')}]`;

/** `($1[1]::type, $1[2]::type)` */
export const keyParameter = (key: KeyColumn[], n: number) =>
  `(${key.map((column, at) => `($${n}::pg_catalog.text[])[${at + 1}]::${column.type}`).join(', ')})`;
