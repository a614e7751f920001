import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Lag, SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { becomeFollower } from '../container/follower.ts';
import { channel, storkySchema } from '../names.ts';
import { lostPosition } from '../source/open.ts';
import { asSource, sourceAddress, type Ticket } from '../ticket.ts';
import { type Client, connect, disconnect, type Row, withClient } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { sameHistory } from './same-history.ts';
import { copiedFrom } from './state.ts';
import { runStream, streamStatus } from './stream.ts';

export interface Followed {
  instance: DatabaseInstance;
  ticket: Ticket;
  from: SourceEndpoint;
  /** No longer when it was opened or given up: from then on nothing starts the stream again. */
  wanted(): boolean;
}

/** The source's log no longer has the position that comes next, or never had it. */
const isLost = ({ dialect }: Client, status: Row) => dialect.positionLost.includes(Number(status.Last_IO_Errno));

/** Starts the stream and returns when it runs. Throws `link_lost` after 30 s without, `copy_interrupted` when this ticket's copy is not
 * complete here: a stream from one position on top of a copy from another would leave a hole that nobody sees. */
export async function followSource(client: Client, followed: Followed, signal: AbortSignal): Promise<void> {
  if ((await copiedFrom(client, followed.ticket)) === undefined)
    throw new StorkyError('copy_interrupted', {
      store: 'The database',
      detail: 'what is here was not copied with this ticket',
    });
  // Where it cannot be reached now, the stream says so, and `rehearse` asks again.
  const source = await connect(sourceAddress(followed.ticket, followed.from), asSource).catch(() => undefined);
  try {
    if (source) await assertSameSource(client, source, followed.ticket);
  } finally {
    await disconnect(source);
  }
  await runStream(client, followed.instance, followed.ticket, followed.from);
  await awaitStream(client, followed, 30_000, signal);
}

/** Throws `not_in_sync`, and from then on the copy is nobody's, when the source is another server than before. */
export async function assertSameSource(client: Client, source: Client, ticket: Ticket): Promise<void> {
  if (await sameHistory(client, source, ticket.migration)) return;
  const why = 'the source is not the server that it was: it was restored from a backup, or lost writes in a crash';
  throw await startOver(client, source, ticket, why);
}

/** Throws `schema_changed` when a change could not be applied, `link_lost` when the stream stays away for 5 s. */
export async function assertHealthy(client: Client, followed: Followed): Promise<void> {
  await awaitStream(client, followed, 5_000);
}

async function awaitStream(
  client: Client,
  followed: Followed,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  let again = Date.now() + 1_000;
  for (const end = Date.now() + patienceMs; ; await sleep(50, undefined, { signal })) {
    const status = await streamStatus(client);
    if (!followed.wanted())
      throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
    if (!status) {
      // Its server was started anew, and remembers no stream.
      await runStream(client, followed.instance, followed.ticket, followed.from);
      continue;
    }
    if (Number(status.Last_SQL_Errno) !== 0)
      throw new StorkyError('schema_changed', { store: 'The database', detail: status.Last_SQL_Error! });
    if (isLost(client, status)) {
      const why = `the source no longer has the log from here on: ${status.Last_IO_Error}`;
      const { ticket, from } = followed;
      throw await withClient(sourceAddress(ticket, from), (source) => startOver(client, source, ticket, why), asSource);
    }
    if (status.Slave_IO_Running === 'Yes' && status.Slave_SQL_Running === 'Yes') return;
    // The server tries again by itself, but not after every kind of cut.
    if (status.Slave_IO_Running === 'No' && Date.now() > again) {
      await becomeFollower(client, followed.instance);
      await client.query(client.dialect.startStream(channel));
      again = Date.now() + 1_000;
    }
    if (Date.now() > end) throw lost(status.Last_IO_Error || 'the stream is not connected');
  }
}

/** Both sides forget the copy: the next ticket is a fresh one. A way back has none, and is remembered as lost. */
async function startOver(client: Client, source: Client, ticket: Ticket, why: string): Promise<StorkyError> {
  if (!ticket.back) await client.query(`DELETE FROM ${storkySchema}.copy WHERE ticket = ${literal(ticket.id)}`);
  const values = [randomUUID(), ticket.migration].map(literal).join(', ');
  await source.query(
    `INSERT INTO ${storkySchema}.marker (id, migration, epoch, payload) VALUES (${values}, 0, ${literal(lostPosition(ticket.id))})`,
  );
  const remedy = ticket.back ? 'the way back is lost' : 'it has to be copied anew';
  return new StorkyError('not_in_sync', { store: 'The database', detail: `${remedy}, as ${why}` });
}

const lost = (detail: string) => new StorkyError('link_lost', { region: 'the target', peer: 'the source', detail });

/** How long a lag is measured before it is estimated. Seconds. */
const measuredSeconds = 0.2;

/** Asks the source where it is and waits a moment until that is applied here: most lags are measured, not estimated. */
export async function lagOf(client: Client, source: Client): Promise<Lag> {
  const [here] = await source.query(source.dialect.endOfLog);
  const position = await source.value(`SELECT ${source.dialect.position}`);
  const began = performance.now();
  if ((await client.value(`SELECT ${client.dialect.waitFor(position!, measuredSeconds)}`)) === '0')
    return { bytes: 0, ms: performance.now() - began };
  const status = await streamStatus(client);
  if (!status) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
  if (status.Slave_IO_Running !== 'Yes') throw lost('the stream is not connected');
  const sameFile = status.Relay_Master_Log_File === here!.File;
  const bytes = Number(here!.Position) - (sameFile ? Number(status.Exec_Master_Log_Pos) : 0);
  const ms = Math.max(performance.now() - began, Number(status.Seconds_Behind_Master ?? 0) * 1000);
  return { bytes: Math.max(1, bytes), ms };
}
