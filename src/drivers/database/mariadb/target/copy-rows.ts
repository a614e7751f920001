import { availableParallelism } from 'node:os';
import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import { carriedTables, type TableRef } from '../catalog.ts';
import { readAs, storedColumns, writeAs } from '../columns.ts';
import { titleOf } from '../dialect/of-server.ts';
import { adminOf, type Client, connect, disconnect, withClient } from '../wire/connect.ts';
import { rawCopy } from '../wire/raw-copy.ts';
import { lineFormat } from '../wire/rows-to-lines.ts';
import { qualified } from '../wire/sql.ts';
import type { CopyJob } from './copy.ts';
import { buildIndexes, deferIndexes } from './indexes.ts';
import { PartQueue } from './part-queue.ts';
import { type Part, partsOf } from './parts.ts';

/** Sessions that copy at the same time. */
export const copyWorkers = Math.max(2, Math.min(4, availableParallelism()));

/**
 * What is copied is right already, and was checked when it was written. Unique indexes are looked at all the same: without
 * that, the first LOAD DATA into an empty table would sort all of it aside, which takes twice as long, and keep others out.
 * Where a table gives numbers by itself, sessions wait for each other, as long as a part takes.
 */
const writing = {
  loads: true,
  settings: { foreign_key_checks: 0, unique_checks: 1, innodb_lock_wait_timeout: 100_000_000 },
} as const;

/** Every table's rows, the largest first and in parts, in as many sessions as there are readers. */
export async function copyRows(job: CopyJob, readers: Client[]): Promise<{ bytes: number; items: number }> {
  const tables = await carriedTables(readers[0]!);
  const total = tables.reduce((sum, table) => sum + table.bytes, 0);
  const copied = { bytes: 0, items: 0 };
  const count = (bytes: number, rows: number) => {
    copied.bytes += bytes;
    copied.items += rows;
    job.report({ done: Math.min(copied.bytes, total), total, unit: 'bytes', note: 'rows' });
  };
  const failed = new AbortController();
  const signal = AbortSignal.any([job.signal, failed.signal]);
  const plan = (client: Client) => planned(client, readers[0]!, tables);
  const queue = new PartQueue(await withClient(adminOf(job.instance), plan, writing));
  const work = async (reader: Client) => {
    const writer = await connect(adminOf(job.instance), writing);
    try {
      for (let next = queue.next(); next; next = queue.next()) {
        await copyPart(job, reader, writer, next.table, next.part, count, signal);
        if (next.done()) await buildIndexes(job.instance, writer, next.table, next.table.indexes, signal);
      }
    } catch (error) {
      failed.abort(error);
      throw error;
    } finally {
      await disconnect(writer);
    }
  };
  await Promise.allSettled(readers.map(work));
  job.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return copied;
}

type PlannedTable = TableRef & { bytes: number; indexes: string[] };

/** Before any row: nobody is at a table yet when its indexes are taken away. */
async function planned(
  client: Client,
  reader: Client,
  tables: (TableRef & { bytes: number })[],
): Promise<[PlannedTable, Part[]][]> {
  const plan: [PlannedTable, Part[]][] = [];
  for (const table of tables)
    plan.push([{ ...table, indexes: await deferIndexes(client, table) }, await partsOf(reader, table)]);
  return plan;
}

async function copyPart(
  job: CopyJob,
  reader: Client,
  writer: Client,
  table: PlannedTable,
  part: Part,
  count: (bytes: number, rows: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const name = qualified(table.schema, table.name);
  const columns = await storedColumns(writer, table);
  const select = `SELECT ${columns.map(readAs).join(', ')} FROM ${name} ${part}`;
  const load = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${name} ${lineFormat} ${writeAs(columns)}`;
  let reported = 0;
  // Every megabyte, not every packet.
  const onBytes = (total: number) => {
    if (total - reported < 1024 * 1024) return;
    count(total - reported, 0);
    reported = total;
  };
  const { bytes, read, rows, warnings } = await rawCopy(reader, select, writer, load, onBytes, signal);
  count(bytes - reported, rows);
  // LOAD DATA LOCAL leaves out what it cannot take, and goes on.
  if (read !== rows) throw leftOut(job, name, read - rows);
  // A member of an ENUM that is not in its list any more gives one for each row; `verify` looks at the rows themselves.
  if (warnings > 0) log.warn({ table: name, warnings }, 'the server warned while rows were copied');
}

const leftOut = ({ instance }: CopyJob, table: string, rows: number) =>
  new StorkyError('engine_refused', {
    engine: titleOf(instance.engine),
    detail: `${rows} rows of ${table} do not fit into the table over here, by a unique key or a partition`,
    hint: 'Run the same version on both sides, or use the carrier `backup`, which says of which row that is so.',
  });
