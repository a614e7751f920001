import { StorkyError } from '../../protocol/errors.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import type { SwitchChannel } from '../switch/channel.ts';
import { answerSwitch } from '../switch/target-switch.ts';
import type { Moving } from './creating.ts';
import { isCopy, isLive, type OpenStore, presentStores, type TargetSide } from './target-side.ts';

/**
 * The web processes run on stores that refuse their writes, so nothing but the stream changes them before the switch.
 * What is no copy of the source is open: its user fills it now, or the app itself does.
 */
export async function startWeb(side: TargetSide, { app, migration }: Moving): Promise<{ previewUrl: string }> {
  const record = side.records.get(migration, 'target');
  if (side.home.epochs(app).read().role === 'passive')
    for (const { store } of (await presentStores(side, record)).filter(({ name }) => isCopy(record, name)))
      await store.standby();
  return await side.home.startWeb(app);
}

/**
 * The longest marker path of all stores, in milliseconds. Holds nothing.
 * @throws StorkyError not_in_sync also in a switch: the marker that it waits for, or is opened by, would be forgotten
 */
export async function rehearse(side: TargetSide, { migration }: Moving): Promise<{ roundTripMs: number }> {
  const record = side.records.get(migration, 'target');
  const underWay = [...side.attempts].some(([look, of]) => of === migration && look());
  if (underWay || side.home.epochs(record.app).read().role === 'active')
    throw new StorkyError('not_in_sync', { store: 'The target', detail: 'a switch to it is being made' });
  return await prove(side, record, await inSync(side, record));
}

async function prove(side: TargetSide, record: MigrationRecord, stores: OpenStore[]): Promise<{ roundTripMs: number }> {
  const { stream } = record;
  const trips = await Promise.all(
    stores.map(async ({ name, kind, store }) => {
      const endpoint = await side.endpoints.get(record, name, kind);
      return (await store.rehearse(stream, endpoint, AbortSignal.timeout(30_000))).roundTripMs;
    }),
  );
  return { roundTripMs: Math.max(0, ...trips) };
}

/** Answers the source agent on the stream that it opened. */
export function answerTo(side: TargetSide, { migration }: Moving, channel: SwitchChannel): void {
  const record = side.records.get(migration, 'target');
  const underWay = answerSwitch(channel, {
    migration,
    stream: record.stream,
    peer: record.peer.region,
    epochs: side.home.epochs(record.app),
    // For every attempt anew: a marker of one that was cut short must not be taken for this one's (invariants 2 and 3).
    async prepare() {
      const now = side.records.get(migration, 'target');
      const stores = await inSync(side, now);
      await prove(side, now, stores);
      return stores;
    },
    activate: () => activate(side, migration),
  });
  side.attempts.set(underWay, migration);
  channel.onClosed(() => side.attempts.delete(underWay));
}

/**
 * Stores first, then the gate: a request that comes through finds them writable. Before both, whatever follows has ended:
 * an agent that was killed takes it up at its start, and a store that is made a copy again would lose what is written to
 * it (invariant 1). Idempotent, also after a crash.
 */
export async function activate(side: TargetSide, migration: string): Promise<void> {
  const record = side.records.get(migration, 'target');
  const { app } = record;
  const { epoch } = side.home.epochs(app).read();
  const stopped = side.jobs.stop(record.stream);
  // One that only looks at a stream in sync changes nothing any more; in the freeze its last answer is not waited for.
  const atWork = Object.values(record.stores).some(({ wanted, report }) => wanted && report?.stage !== 'in-sync');
  if (atWork) await stopped;
  await Promise.all((await presentStores(side, record)).map(({ store }) => store.activate(epoch)));
  await side.home.gate(app).serve();
  await stopped;
  side.records.change(migration, 'target', (draft) => {
    for (const store of Object.values(draft.stores)) {
      store.wanted = false;
      if (store.report) store.report.stage = 'switched';
    }
  });
}

async function inSync(side: TargetSide, record: MigrationRecord) {
  const stores = (await presentStores(side, record)).filter(({ name }) => isLive(record, name));
  for (const { name, store } of stores) {
    const report = record.stores[name]!.report;
    if (report?.stage !== 'in-sync')
      throw new StorkyError('not_in_sync', {
        store: name,
        detail: report ? `it is ${report.stage}. ${report.detail}` : 'it was not copied',
      });
    await store.healthy();
  }
  return stores;
}
