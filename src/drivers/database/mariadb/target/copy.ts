import { randomUUID } from 'node:crypto';
import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Report, SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { replaceAccounts } from '../accounts.ts';
import { appSchemas, sequencesOf } from '../catalog.ts';
import { becomeFollower } from '../container/follower.ts';
import { titleOf } from '../dialect/of-server.ts';
import { makeAccounts } from '../external/definers.ts';
import { storkySchema } from '../names.ts';
import { readSequences, setSequence } from '../sequences.ts';
import { stopEvents } from '../source/seal.ts';
import { asSource, sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, type Client, disconnect, errnoOf, withClient } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { copyRows, copyWorkers } from './copy-rows.ts';
import { beginAnew } from './reset.ts';
import { takeSnapshot } from './snapshot.ts';
import { copiedFrom, rememberCopy } from './state.ts';
import { copyTables, copyTriggers } from './structure.ts';

export interface CopyJob {
  instance: DatabaseInstance;
  ticket: Ticket;
  from: SourceEndpoint;
  report: Report;
  signal: AbortSignal;
}

/**
 * One moment of the source: structure, rows in parallel, accounts, then what must not see the rows. A snapshot dies with its
 * sessions, so a copy that was cut begins anew with another; one that is complete is not made again.
 * Throws `copy_interrupted`, or `engine_refused` for what trying again does not mend.
 */
export async function copyServer(job: CopyJob): Promise<{ bytes: number; items: number }> {
  try {
    return await withClient(adminOf(job.instance), async (client) => {
      const size = (await copiedFrom(client, job.ticket)) === undefined ? await copyAnew(job, client) : undefined;
      await tellSource(job);
      return size ?? { bytes: 0, items: 0 };
    });
  } catch (error) {
    throw job.signal.aborted || error instanceof StorkyError ? error : failure(error, job.instance.engine);
  }
}

async function copyAnew(job: CopyJob, client: Client): Promise<{ bytes: number; items: number }> {
  await assertSameNames(job.ticket, client);
  await becomeFollower(client, job.instance);
  await beginAnew(client, job.instance);
  // Events come with the copy, and would write into it before it is a standby.
  await stopEvents(client);
  const { readers, gtid, accounts, stalledMs } = await takeSnapshot(
    sourceAddress(job.ticket, job.from),
    copyWorkers,
    job.signal,
  );
  try {
    log.info({ stalledMs, gtid }, 'the position of the copy was taken');
    const schemas = await appSchemas(readers[0]!);
    await copyTables(job, schemas);
    const size = await copyRows(job, readers);
    await copySequences(readers[0]!, client);
    await copyTriggers(job, schemas);
    if (job.ticket.share) await makeAccounts(client, job.instance, job.ticket.definers ?? []);
    else await replaceAccounts(client, accounts, job.instance);
    // The stream's position and the copy belong together; the row that says so is last.
    await client.dialect.beginAt(client, gtid);
    await rememberCopy(client, job.ticket, gtid);
    return size;
  } finally {
    await Promise.all(readers.map(disconnect));
  }
}

/** A name that is another one there cannot be followed. */
async function assertSameNames(ticket: Ticket, client: Client): Promise<void> {
  const here = await client.value('SELECT @@lower_case_table_names');
  if (here === ticket.lowerCaseTableNames) return;
  const detail = `lower_case_table_names is ${ticket.lowerCaseTableNames} on the source and ${here} here`;
  throw new StorkyError('engine_refused', {
    engine: client.dialect.title,
    detail,
    hint: 'Provision the target with the same setting.',
  });
}

/** Sequences are read as they are now, which may be later than the snapshot: numbers are skipped, never given twice. */
async function copySequences(source: Client, target: Client): Promise<void> {
  for (const sequence of await readSequences(source, await sequencesOf(source), 'nothing'))
    await setSequence(target, sequence);
}

/** From here on the source's log is needed, and its agent may restart without a new copy. */
async function tellSource({ ticket, from }: CopyJob): Promise<void> {
  const of = `migration = ${literal(ticket.migration)} AND epoch = 0 AND payload = ${literal(ticket.id)}`;
  await withClient(
    sourceAddress(ticket, from),
    async (client) => {
      if ((await client.query(`SELECT 1 FROM ${storkySchema}.marker WHERE ${of}`)).length > 0) return;
      await client.query(
        `INSERT INTO ${storkySchema}.marker (id, migration, epoch, payload) VALUES ('${randomUUID()}', ${literal(ticket.migration)}, 0, ${literal(ticket.id)})`,
      );
    },
    asSource,
  );
}

/** Connections and servers that are gone come back, and a table that changed under the snapshot has a new one. */
function failure(error: unknown, engine: string): StorkyError {
  const detail = error instanceof Error ? error.message : String(error);
  const errno = errnoOf(error);
  const cut = errno === undefined || [1053, 1077, 1158, 1159, 1160, 1161, 1205, 1213, 1412, 1927].includes(errno);
  if (cut) return new StorkyError('copy_interrupted', { store: 'The database', detail }, { cause: error });
  const hint = 'Mend the cause, or use the carrier `backup` for this addon.';
  return new StorkyError('engine_refused', { engine: titleOf(engine), detail, hint }, { cause: error });
}
