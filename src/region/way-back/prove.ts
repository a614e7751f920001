import type { FollowTicket, WayBack } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { digestOf } from '../apps/canonical.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { streamOf } from '../migrations/stream.ts';
import { storeOf } from '../stores.ts';
import type { TargetSide } from '../target/target-side.ts';

/** Each verb opens and ends what it needs by itself: nothing is kept between a proof and the switch. */
export type WayBackOf = (app: string, store: string) => Promise<WayBack>;

/** A probe opens a tunnel, logs in and hears one change; milliseconds. */
const patienceMs = 30_000;

/**
 * Invariant 7, on the side that serves: every store's stream back is followed for a moment, from here. The tickets are
 * remembered: what is followed after the switch has to be what was proven before it. @throws StorkyError way_back_unproven
 */
export async function proveWayBack(
  side: TargetSide,
  wayBackOf: WayBackOf,
  { app, migration, epoch }: { app: string; migration: string; epoch: number },
): Promise<void> {
  await side.home.lock(app, migration);
  const record = backwards(side.records.get(migration, 'source'), epoch);
  const digests: Record<string, string> = {};
  await using _ = endedAfterwards(side, record);
  for (const name of Object.keys(record.stores)) {
    const ticket = await proven(side, wayBackOf, record, name).catch((error: unknown) => {
      const detail = StorkyError.from(error).message;
      throw new StorkyError('way_back_unproven', { store: name, peer: record.peer.region, detail }, { cause: error });
    });
    digests[name] = digestOf(ticket);
  }
  side.records.change(migration, 'source', (draft) => {
    draft.proven = digests;
  });
}

/** Nothing of a proof stays: whether there will be a switch is not known yet. */
const endedAfterwards = (side: TargetSide, { stream }: MigrationRecord): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    await side.endpoints.close(stream);
  },
});

async function proven(side: TargetSide, wayBackOf: WayBackOf, record: MigrationRecord, name: string) {
  const { app, stream } = record;
  const signal = AbortSignal.timeout(patienceMs);
  const ticket = await ticketFrom(side, record, name, signal);
  const endpoint = await side.endpoints.get(record, name, storeOf(side.home, app, name).kind);
  const store = await wayBackOf(app, name);
  await store.prove(stream, ticket, endpoint, signal);
  return ticket;
}

export function ticketFrom(
  { link }: TargetSide,
  { migration, peer, peerApp }: MigrationRecord,
  store: string,
  signal: AbortSignal,
): Promise<FollowTicket> {
  return link.openJson<FollowTicket>(peer, { kind: 'ticket', migration, app: peerApp, store }, signal);
}

/** As the record of the copy that this side will be after the switch to `epoch`. */
export const backwards = (source: MigrationRecord, epoch: number): MigrationRecord => ({
  ...source,
  role: 'target',
  stream: streamOf(source.migration, epoch + 1),
  switch: null,
});
