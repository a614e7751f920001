import { randomUUID } from 'node:crypto';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { preparedTransactions } from '../catalog.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { storkySchema } from '../names.ts';
import type { Proof } from '../proof.ts';
import { type Client, errnoOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import type { Fence } from './fence.ts';

/**
 * The marker: written while the fence holds every table, hence after the last write (invariant 2). It carries the next
 * value of every counter and sequence. If there was any structure change since `knownDdl`, the structure is compared, which nobody
 * can change any more. Throws `schema_changed`, `long_transaction`, or `timeout` at the deadline.
 */
export async function writeMarker(
  fence: Fence,
  migration: string,
  epoch: number,
  deadline: Deadline,
  knownDdl: string | undefined,
): Promise<Proof> {
  const { found } = fence;
  const { dialect } = fence.marker;
  if ((await dialect.ddlCount(fence.watch)) !== knownDdl) await assertSameStructure(fence.watch, migration);
  await assertNothingPrepared(fence.watch);
  const seconds = (deadline.at - performance.now()) / 1000;
  if (seconds <= 0 || deadline.signal.aborted) throw late();
  const id = randomUUID();
  const values = [id, migration, String(epoch), JSON.stringify(found)].map(literal).join(', ');
  // Where the server does not end it by itself. An end that comes too late finds nothing to end.
  const stop = () => void fence.watch.query(`KILL QUERY ${fence.marker.threadId}`).catch(() => {});
  const timer = setTimeout(stop, seconds * 1000 + 100);
  try {
    const insert = `INSERT INTO ${storkySchema}.marker (id, migration, epoch, payload) VALUES (${values})`;
    const answers = await fence.marker.batch(dialect.within(seconds, insert), `SELECT ${dialect.position} AS gtid`);
    return { marker: id, gtid: answers[1]![0]!.gtid! };
  } catch (error) {
    throw errnoOf(error) === dialect.tooLate ? late() : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The way back has brought every change of the structure over there: from now on there may be no other. */
export async function acceptStructure(client: Client, stream: string): Promise<void> {
  const [row] = await client.query(`SELECT way_back FROM ${storkySchema}.ticket WHERE migration = ${literal(stream)}`);
  if (row?.way_back !== '1') return;
  const now = literal(await fingerprintOf(client));
  await client.query(`UPDATE ${storkySchema}.ticket SET fingerprint = ${now} WHERE migration = ${literal(stream)}`);
}

/** Throws `schema_changed` when the structure is not the one that was copied. */
export async function assertSameStructure(client: Client, migration: string): Promise<void> {
  const known = await client.value(
    `SELECT fingerprint FROM ${storkySchema}.ticket WHERE migration = ${literal(migration)}`,
  );
  if (known === (await fingerprintOf(client))) return;
  const detail = 'its structure is not the one that was copied';
  throw new StorkyError('schema_changed', { store: 'The database', detail });
}

/** It could be committed at any time, and holds its locks over a restart. */
export async function assertNothingPrepared(client: Client): Promise<void> {
  const [first] = await preparedTransactions(client);
  if (first === undefined) return;
  const detail = `the prepared transaction ${first}`;
  throw new StorkyError('long_transaction', { store: 'The database', seconds: 0, detail });
}

const late = () => new StorkyError('timeout', { what: 'Writing the marker', seconds: 0, where: 'the source agent' });
