import { carriedTables, userRelations } from '../catalog.ts';
import { storkySchema } from '../names.ts';
import { sourceAddress } from '../ticket.ts';
import { adminOf, type Client, connect, disconnect, stateOf, transaction, withClient } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';
import { whileWanted } from '../wire/while-wanted.ts';
import { type CopyJob, stepDone } from './copy-job.ts';
import { checkedLater } from './foreign-keys.ts';
import { largestFirst, withoutLocks } from './index-builds.ts';
import { type Block, blocksOf, type SchemaDump, sectionSql } from './schema.ts';
import { copyWorkers, sessionSettings } from './tuning.ts';

/** After the rows: indexes and constraints in parallel, the rest in the dump's order, sequences, views, statistics. */
export async function finishCopy(job: CopyJob, target: Client, dump: SchemaDump): Promise<void> {
  const sql = await sectionSql(dump, 'post-data', Number(job.instance.version));
  const blocks = blocksOf(sql);
  const of = (...types: string[]) => blocks.filter((block) => types.includes(block.type));
  const roots = await partitionedTables(target);
  const builds = of('INDEX', 'CONSTRAINT').flatMap((block) => withoutLocks(block, roots));
  const indexes = builds.filter((b) => b.type === 'INDEX');
  await inParallel(job, largestFirst(indexes, await tableSizes(target)), 'indexes');
  await inParallel(
    job,
    builds.filter((b) => b.type !== 'INDEX'),
    'constraints',
  );
  await inOrder(job, of('INDEX ATTACH'));
  await inOrder(job, of('STATISTICS'));
  const foreignKeys = of('FK CONSTRAINT').map(checkedLater);
  await inOrder(
    job,
    foreignKeys.map(({ added }) => added),
  );
  const checks = foreignKeys.flatMap(({ checked }) => checked);
  await inParallel(job, [...checks, ...(await analyses(target))], 'foreign keys, statistics');
  await inOrder(
    job,
    blocks.filter(
      (block) => !['INDEX', 'CONSTRAINT', 'INDEX ATTACH', 'FK CONSTRAINT', 'STATISTICS'].includes(block.type),
    ),
  );
  await copySequences(job, target);
  await wanted(job, target, () => refreshViews(job, target));
}

async function partitionedTables(target: Client): Promise<Set<string>> {
  const { rows } = await target.query(`SELECT n.nspname AS schema, c.relname AS name ${userRelations("'p'")}`);
  return new Set(rows.map(({ schema, name }) => qualified(schema, name)));
}

async function tableSizes(target: Client): Promise<Map<string, number>> {
  const { rows } = await target.query(
    `SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid)::float8 AS bytes ${userRelations("'r', 'm'")}`,
  );
  return new Map(rows.map(({ schema, name, bytes }) => [qualified(schema, name), bytes as number]));
}

/** Runs the statements of several objects at once, each in a transaction with its line in the ledger. */
async function inParallel(job: CopyJob, blocks: Block[], note: string): Promise<void> {
  const queue = [...blocks];
  let done = 0;
  const worker = async () => {
    const client = await connect(adminOf(job.instance), { name: 'storky copy', settings: sessionSettings });
    try {
      await wanted(job, client, async () => {
        for (let block = queue.shift(); block; block = queue.shift()) {
          await runBlock(client, block, job.signal);
          job.report({ done: ++done, total: blocks.length, unit: 'items', note });
        }
      });
    } finally {
      await disconnect(client);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(copyWorkers, queue.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function inOrder(job: CopyJob, blocks: Block[]): Promise<void> {
  await withClient(adminOf(job.instance), (client) =>
    wanted(job, client, async () => {
      for (const block of blocks) await runBlock(client, block, job.signal);
    }),
  );
}

/** Each of these statements may take an hour on a large table; whoever takes the copy away does not wait for it. */
const wanted = ({ instance, signal }: CopyJob, client: Client, work: () => Promise<void>): Promise<void> =>
  whileWanted(adminOf(instance), client, signal, work);

async function runBlock(client: Client, block: Block, signal: AbortSignal): Promise<void> {
  const step = `${block.type} ${block.name}`;
  signal.throwIfAborted();
  if (await stepDone(client, step)) return;
  for (;;) {
    try {
      return await transaction(client, async () => {
        await client.query(block.sql);
        await client.query(`INSERT INTO ${storkySchema}.copy_step VALUES ($1)`, [step]);
      });
    } catch (error) {
      // Two constraints between the same tables, made at once, can be in each other's way.
      if (stateOf(error) !== '40P01') throw error;
    }
  }
}

/** Where the sequences are by now; the marker brings the final values. */
async function copySequences(job: CopyJob, target: Client): Promise<void> {
  const values = await withClient(sourceAddress(job.ticket, job.from), (source) =>
    source.query(
      `SELECT schemaname, sequencename, last_value::text FROM pg_sequences WHERE last_value IS NOT NULL AND schemaname <> '${storkySchema}'`,
    ),
  );
  const rows = JSON.stringify(values.rows.map((row) => [row.schemaname, row.sequencename, row.last_value]));
  await target.query(
    `SELECT setval(to_regclass(format('%I.%I', s ->> 0, s ->> 1)), (s ->> 2)::int8) FROM jsonb_array_elements($1::jsonb) s
      WHERE to_regclass(format('%I.%I', s ->> 0, s ->> 1)) IS NOT NULL`,
    [rows],
  );
}

/** Materialized views hold no rows of their own: they are computed again, those first on which others are built. */
async function refreshViews(job: CopyJob, target: Client): Promise<void> {
  const populated = await withClient(sourceAddress(job.ticket, job.from), (source) =>
    source.query(
      `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname !~ '^pg_' ORDER BY c.oid`,
    ),
  );
  let left = populated.rows as { schema: string; name: string }[];
  while (left.length > 0) {
    const failed: typeof left = [];
    let reason: unknown;
    for (const view of left)
      await target.query(`REFRESH MATERIALIZED VIEW ${qualified(view.schema, view.name)}`).catch((error) => {
        job.signal.throwIfAborted();
        // 55000: it reads another one that is not there yet.
        if (stateOf(error) !== '55000') throw error;
        failed.push(view);
        reason = error;
      });
    if (failed.length === left.length) throw reason;
    left = failed;
  }
}

async function analyses(target: Client): Promise<Block[]> {
  const sizes = await tableSizes(target);
  const tables = (await carriedTables(target)).map((t) => qualified(t.schema, t.name));
  return tables
    .toSorted((a, b) => sizes.get(b)! - sizes.get(a)!)
    .map((table) => ({ type: 'ANALYZE', name: table, sql: `ANALYZE ${table}` }));
}
