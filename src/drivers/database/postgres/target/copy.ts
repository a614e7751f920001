import { rmSync } from 'node:fs';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { storkySchema } from '../names.ts';
import { beginBulkLoad, endBulkLoad } from '../server/bulk-load.ts';
import { start } from '../server/provision.ts';
import { sourceAddress } from '../ticket.ts';
import { adminOf, connect, disconnect, stateOf, transaction, withClient } from '../wire/connect.ts';
import { type CopyJob, stepDone } from './copy-job.ts';
import { copyRows } from './copy-rows.ts';
import { finishCopy } from './finish-copy.ts';
import { beginAnew, begunWith } from './reset.ts';
import { dumpSchema, type SchemaDump, sectionSql } from './schema.ts';
import { sessionSettings } from './tuning.ts';

/** Below this, bytes, to start the server anew, twice, would take longer than what it saves. */
const bulkBytes = 512 * 1024 ** 2;

/**
 * Roles and structure, then the rows in parallel, then indexes, constraints and the rest. Every part is recorded in the
 * target's database in the transaction that does it, so a call after a cut or a kill goes on with what is missing.
 * Throws `copy_interrupted`; if it says that the snapshot is gone, the source has to open a fresh ticket.
 */
export async function copyDatabase(job: CopyJob, bulkFrom = bulkBytes): Promise<{ bytes: number; items: number }> {
  const { instance } = job;
  try {
    if (!instance.external) await start(instance);
    if (!(await isCopied(job))) {
      const dump = await prepare(job, bulkFrom);
      await copyParts(job, dump);
      await endBulkLoad(instance);
      await rememberCopied(instance, dump);
    }
    await tellSource(job);
    return await copiedSize(instance);
  } catch (error) {
    throw job.signal.aborted || error instanceof StorkyError ? error : failure(error);
  }
}

async function isCopied({ instance, ticket }: CopyJob): Promise<boolean> {
  if (!(await begunWith(instance, ticket))) return false;
  return withClient(adminOf(instance), (client) => stepDone(client, 'copied'));
}

/** The source tells its structure while the target is made ready. Both have ended when one of them fails. */
async function prepare(job: CopyJob, bulkFrom: number): Promise<SchemaDump> {
  const { instance, ticket, from, signal } = job;
  const dumping = dumpSchema(ticket, sourceAddress(ticket, from), instance, signal);
  const [dumped, ready] = await Promise.allSettled([dumping, makeReady(job, bulkFrom)]);
  if (ready.status === 'rejected') throw ready.reason;
  if (dumped.status === 'rejected') throw dumped.reason;
  return dumped.value;
}

async function makeReady(job: CopyJob, bulkFrom: number): Promise<void> {
  const { instance, ticket } = job;
  if ((await sizeOf(job)) >= bulkFrom) await beginBulkLoad(instance);
  if (!(await begunWith(instance, ticket))) await beginAnew(instance, ticket);
}

async function sizeOf({ ticket, from }: CopyJob): Promise<number> {
  return withClient(sourceAddress(ticket, from), async (client) =>
    Number((await client.query('SELECT pg_database_size(current_database()) AS bytes')).rows[0].bytes),
  );
}

async function copyParts(job: CopyJob, dump: SchemaDump): Promise<void> {
  const target = await connect(adminOf(job.instance), { name: 'storky copy', settings: sessionSettings });
  try {
    if (!(await stepDone(target, 'structure'))) await copyStructure(job, dump);
    await copyRows(job, target);
    await finishCopy(job, target, dump);
  } finally {
    await disconnect(target);
  }
}

/** This commit waits for the disk, and with it every one before it. */
async function rememberCopied(instance: DatabaseInstance, dump: SchemaDump): Promise<void> {
  await withClient(adminOf(instance), (client) =>
    client.query(`INSERT INTO ${storkySchema}.copy_step VALUES ('copied')`),
  );
  rmSync(dump.file, { force: true });
}

async function copyStructure({ instance }: CopyJob, dump: SchemaDump): Promise<void> {
  const sql = await sectionSql(dump, 'pre-data', Number(instance.version));
  // A session of its own: the script changes the session's settings.
  await withClient(adminOf(instance), (client) =>
    transaction(client, async () => {
      await client.query(sql);
      await client.query(`INSERT INTO ${storkySchema}.copy_step VALUES ('structure')`);
    }),
  );
}

/** From here on the source need not keep the snapshot, and its agent may restart without a new copy. */
async function tellSource({ ticket, from }: CopyJob): Promise<void> {
  await withClient(sourceAddress(ticket, from), (client) =>
    client.query(
      `INSERT INTO ${storkySchema}.marker (migration, epoch, fingerprint) SELECT $1, 0, $2
        WHERE NOT EXISTS (SELECT FROM ${storkySchema}.marker WHERE migration = $1 AND epoch = 0 AND fingerprint = $2)`,
      [ticket.migration, ticket.id],
    ),
  );
}

async function copiedSize(instance: DatabaseInstance): Promise<{ bytes: number; items: number }> {
  return withClient(adminOf(instance), async (client) => {
    const { rows } = await client.query(
      `SELECT (SELECT coalesce(sum(bytes), 0) FROM ${storkySchema}.chunk)::float8 AS bytes,
        (SELECT coalesce(sum(greatest(reltuples, 0)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
          WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${storkySchema}'))::float8 AS items`,
    );
    return rows[0];
  });
}

/** A cut, a stopped server, a snapshot that is gone: trying again is right. Anything else that a server says is not mended so. */
function failure(error: unknown): StorkyError {
  const detail = error instanceof Error ? error.message : String(error);
  const state = stateOf(error);
  const passes = !state || !/^[0-9A-Z]{5}$/.test(state) || /^(08|57|53)/.test(state) || /snapshot/.test(detail);
  if (passes) return new StorkyError('copy_interrupted', { store: 'The database', detail }, { cause: error });
  const hint = 'Mend the cause, or use the carrier `backup` for this addon.';
  return new StorkyError('engine_refused', { engine: 'PostgreSQL', detail, hint }, { cause: error });
}
