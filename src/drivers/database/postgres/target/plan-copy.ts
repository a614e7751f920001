import { notOfExtension, userRelations } from '../catalog.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { transaction } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';

/**
 * About this many bytes a chunk; a repeat after a cut costs no more. A table that is one chunk is written frozen: its rows
 * need no second visit, and with checksums no second log record.
 */
const chunkBytes = 512 * 1024 * 1024;
const blockBytes = 8192;

/** One COPY. The ledger in the target's database: done in the same transaction as its rows. */
export interface Chunk {
  id: number;
  copyOut: string;
  copyIn: string;
  /** Run before, in the same transaction; empties a table of one chunk, without which it cannot be frozen. */
  before: string | null;
  bytes: number;
}

interface TableFacts {
  schema: string;
  name: string;
  bytes: string;
  blocks: string;
  columns: string[];
  binary: boolean;
}

/**
 * A column can be sent in binary form when that form holds no object ids, which differ between two databases: built-in
 * types and enums. Arrays and composites of the app's types, reg… types and types of extensions go as text.
 */
const binaryColumn = `
  EXISTS (WITH RECURSIVE base AS (
      SELECT t.* FROM pg_type t WHERE t.oid = a.atttypid
      UNION ALL SELECT u.* FROM base b JOIN pg_type u ON u.oid = b.typbasetype WHERE b.typtype = 'd')
    SELECT FROM base b LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A'
    WHERE b.typtype <> 'd' AND b.typsend <> 0 AND b.typreceive <> 0
      AND (b.typtype = 'e' OR b.oid < 16384) AND b.typtype <> 'c' AND coalesce(e.oid, b.oid) < CASE WHEN b.typtype = 'e' THEN 4294967295::oid ELSE 16384 END
      AND b.typname !~ '^_?reg' AND coalesce(e.typsend, b.typsend) <> 0)`;

const facts = `
  SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid)::text AS bytes,
    (pg_relation_size(c.oid) / ${blockBytes})::text AS blocks,
    coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '{}') AS columns,
    coalesce(bool_and(${binaryColumn}) FILTER (WHERE a.attnum IS NOT NULL), true) AS binary
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  WHERE c.oid IN (SELECT c.oid ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'p')
  GROUP BY c.oid, n.nspname, c.relname ORDER BY pg_table_size(c.oid) DESC`;

/** Reads the tables at the snapshot, largest first, and cuts them into chunks. */
export async function planChunks(source: Client, version: number, size = chunkBytes): Promise<Chunk[]> {
  const { rows } = await source.query<TableFacts>(facts);
  const chunks = rows.flatMap((table) => chunksOf(table, version >= 14 ? size : Number.POSITIVE_INFINITY));
  return chunks.map((chunk, index) => ({ id: index + 1, ...chunk }));
}

/** A range of ctid is read as a range of blocks from PostgreSQL 14 on; before, each would read the whole table. */
function chunksOf(table: TableFacts, size: number): Omit<Chunk, 'id'>[] {
  const blocks = Number(table.blocks);
  const bytes = Number(table.bytes);
  const parts = Math.max(1, Math.min(blocks, Math.round(bytes / size)));
  const columns = table.columns.map(identifier).join(', ');
  const name = qualified(table.schema, table.name);
  const format = table.binary ? 'binary' : 'text';
  const copyIn = `COPY ${name} (${columns}) FROM STDIN (FORMAT ${format}`;
  if (parts === 1) {
    const copyOut = `COPY ${name} (${columns}) TO STDOUT (FORMAT ${format})`;
    return [{ copyOut, copyIn: `${copyIn}, FREEZE)`, before: `TRUNCATE ONLY ${name}`, bytes }];
  }
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * blocks) / parts);
    // The last one has no end: blocks added after the count belong to it.
    const end = part === parts - 1 ? '' : ` AND ctid < '(${Math.floor(((part + 1) * blocks) / parts)},0)'`;
    const select = `SELECT ${columns} FROM ONLY ${name} WHERE ctid >= '(${from},0)'${end}`;
    return {
      copyOut: `COPY (${select}) TO STDOUT (FORMAT ${format})`,
      copyIn: `${copyIn})`,
      before: null,
      bytes: Math.round(bytes / parts),
    };
  });
}

/** Writes the plan once; a resumed copy must follow the same. */
export async function rememberChunks(target: Client, chunks: Chunk[]): Promise<void> {
  await transaction(target, async () => {
    await target.query(
      `INSERT INTO ${storkySchema}.chunk (id, copy_out, copy_in, before, bytes)
        SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::int8[])`,
      [
        chunks.map((c) => c.id),
        chunks.map((c) => c.copyOut),
        chunks.map((c) => c.copyIn),
        chunks.map((c) => c.before),
        chunks.map((c) => c.bytes),
      ],
    );
    await target.query(`INSERT INTO ${storkySchema}.copy_step VALUES ('plan')`);
  });
}

export async function openChunks(target: Client): Promise<{ chunks: Chunk[]; totalBytes: number; doneBytes: number }> {
  const { rows } = await target.query(
    `SELECT id, copy_out AS "copyOut", copy_in AS "copyIn", before, bytes::float8 AS bytes, done FROM ${storkySchema}.chunk ORDER BY bytes DESC, id`,
  );
  const sum = (list: { bytes: number }[]) => list.reduce((total, chunk) => total + chunk.bytes, 0);
  return {
    chunks: rows.filter((row) => !row.done),
    totalBytes: sum(rows),
    doneBytes: sum(rows.filter((row) => row.done)),
  };
}
