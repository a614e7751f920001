import { storkySchema } from '../names.ts';
import { sourceAddress } from '../ticket.ts';
import { adminOf, type Client, connect, disconnect, plainText, transaction } from '../wire/connect.ts';
import { rawCopy } from '../wire/raw-copy.ts';
import { literal } from '../wire/sql.ts';
import { type CopyJob, stepDone } from './copy-job.ts';
import { type Chunk, openChunks, planChunks, rememberChunks } from './plan-copy.ts';
import { copyWorkers, sessionSettings } from './tuning.ts';

/** All rows, in parallel, chunk by chunk; each chunk and its entry in the ledger are one transaction. */
export async function copyRows(job: CopyJob, target: Client): Promise<void> {
  if (!(await stepDone(target, 'plan'))) {
    const reader = await openReader(job);
    try {
      await rememberChunks(target, await planChunks(reader, Number(job.ticket.version)));
    } finally {
      await disconnect(reader);
    }
  }
  const { chunks, totalBytes, doneBytes } = await openChunks(target);
  if (chunks.length === 0) return;
  let bytes = doneBytes;
  const count = (more: number) => {
    bytes += more;
    job.report({ done: Math.min(bytes, totalBytes), total: totalBytes, unit: 'bytes', note: 'rows' });
  };
  const failed = new AbortController();
  const signal = AbortSignal.any([job.signal, failed.signal]);
  const workers = Array.from({ length: Math.min(copyWorkers, chunks.length) }, () =>
    copyChunks(job, chunks, count, signal).catch((error) => {
      failed.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  job.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** One worker: one session on each side, chunks from the common list until it is empty. */
async function copyChunks(
  job: CopyJob,
  chunks: Chunk[],
  count: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const encoding = job.ticket.surroundings.database.encoding;
  const writer = await connect(adminOf(job.instance), {
    name: 'storky copy',
    settings: { ...sessionSettings, ...plainText, client_encoding: encoding },
  });
  const reader = await openReader(job).catch(async (error) => {
    await disconnect(writer);
    throw error;
  });
  try {
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
      const { id, copyOut, copyIn, before } = chunk;
      // Rows and ledger in one transaction: a cut leaves both or neither.
      await transaction(writer, async () => {
        if (before) await writer.query(before);
        await rawCopy(reader, copyOut, writer, copyIn, throttled(count), signal);
        await writer.query(`UPDATE ${storkySchema}.chunk SET done = true WHERE id = $1`, [id]);
      });
    }
  } finally {
    await Promise.all([disconnect(reader), disconnect(writer)]);
  }
}

/** A session that sees the source as it was at the ticket's snapshot. */
async function openReader(job: CopyJob): Promise<Client> {
  const encoding = job.ticket.surroundings.database.encoding;
  const client = await connect(sourceAddress(job.ticket, job.from), {
    name: 'storky copy',
    settings: { ...plainText, client_encoding: encoding },
  });
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT ${literal(job.ticket.snapshot)}`);
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

/** Reports every megabyte, not every packet. */
function throttled(count: (bytes: number) => void): (bytes: number) => void {
  let pending = 0;
  return (bytes) => {
    pending += bytes;
    if (pending < 1024 * 1024) return;
    count(pending);
    pending = 0;
  };
}
