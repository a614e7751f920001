import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { proofChannel, storkySchema } from '../names.ts';
import { compareVersions } from '../server/versions.ts';
import { endOfLog, isLater, type Place } from '../source/taken.ts';
import { dropStream, streamStatus } from '../target/stream.ts';
import { asSource, sourceAddress, type Ticket } from '../ticket.ts';
import { type Client, withClient } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

const patienceMs = 20_000;

/**
 * Follows the other side for a moment, from where its log is now until a probe has come, and forgets it. The stream is only
 * received: applying it is put off for ever, so that even what a crash leaves of it changes nothing here.
 */
export async function proveStream(
  here: Client,
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  signal: AbortSignal,
): Promise<void> {
  const address = sourceAddress(ticket, from);
  const there = async (client: Client) => {
    await assertFit(here, client, instance);
    await dropStream(here, proofChannel);
    try {
      const began = await position(client);
      await here.batch(
        here.dialect.receiveFrom(proofChannel, address, began),
        here.dialect.startStream(proofChannel, 'receiver'),
      );
      await client.query(
        `INSERT INTO ${storkySchema}.marker (id, migration, epoch) VALUES ('${randomUUID()}', ${literal(ticket.migration)}, -1)`,
      );
      await received(here, await position(client), signal);
    } finally {
      await dropStream(here, proofChannel);
    }
  };
  await withClient(address, there, asSource).catch((error) => {
    throw error instanceof StorkyError || signal.aborted ? error : notProven((error as Error).message);
  });
}

async function position(source: Client): Promise<Place> {
  const end = await endOfLog(source);
  if (!end) throw notProven('the other side writes no binary log');
  return end;
}

async function received(here: Client, probe: Place, signal: AbortSignal): Promise<void> {
  for (const end = Date.now() + patienceMs; ; await sleep(10, undefined, { signal })) {
    const status = await streamStatus(here, proofChannel);
    if (!status) throw notProven('somebody has taken the probe away');
    const received = { file: status.Master_Log_File!, at: Number(status.Read_Master_Log_Pos) };
    if (!isLater(probe, received)) return;
    if (Date.now() > end) throw notProven(status.Last_IO_Error || 'the stream does not come');
    if (Number(status.Last_IO_Errno) !== 0 && status.Slave_IO_Running === 'No') throw notProven(status.Last_IO_Error!);
  }
}

/** Whether its log can be applied here at all, and holds nothing that this side has already. */
async function assertFit(here: Client, there: Client, { guest }: DatabaseInstance): Promise<void> {
  const [[ours], [theirs]] = await Promise.all([
    here.query(here.dialect.logSettings),
    there.query(there.dialect.logSettings),
  ]);
  if (compareVersions(theirs!.version!, ours!.version!) > 0)
    throw notProven(`${here.dialect.title} ${ours!.version} does not follow the newer ${theirs!.version}`);
  if (theirs!.server === ours!.server || (!guest && theirs!.domain === ours!.domain))
    throw notProven('both sides have the same server_id, or count in the same domain');
  if (theirs!.log !== '1' || theirs!.format !== 'ROW' || theirs!.image !== 'FULL' || theirs!.echo !== '0')
    throw notProven('its binary log is not by row, full, and of its own writes only');
}

const notProven = (detail: string) =>
  new StorkyError('engine_refused', {
    engine: 'The database',
    detail: `the way back cannot be followed: ${detail}`,
    hint: 'Mend the cause, and finalize again.',
  });
