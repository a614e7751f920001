import { setTimeout as sleep } from 'node:timers/promises';
import { dropClaims } from '../../base/claim.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Carrier } from '../../protocol/migration.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { storeOf } from '../stores.ts';
import { liveStores, type SourceSide } from './source-side.ts';
import type { Switching } from './switching.ts';

interface Moving {
  app: string;
  migration: string;
}

/** Settings become read-only, and the peer is granted what this migration needs. Idempotent. */
export async function lock(
  { home, records }: SourceSide,
  { app, migration, peer, peerApp }: Moving & { peer: RegionAddress; peerApp: string },
): Promise<void> {
  const other = records.all('source').find((record) => record.app === app && record.migration !== migration);
  if (other) throw new StorkyError('migration_in_progress', { app, migration: other.migration });
  await home.lock(app, migration);
  const known = records.find(migration, 'source');
  records.put({
    migration,
    stream: known?.stream ?? migration,
    role: 'source',
    app,
    peerApp,
    peer,
    stores: known?.stores ?? {},
    switch: known?.switch ?? null,
  });
}

/** Takes the grants back too. After a switch the app stays what it is: passive, and forwarding. */
export async function unlock(side: SourceSide, { app, migration }: Moving): Promise<void> {
  // Whoever forgets the migration now forgets that a fence may stand.
  if (side.records.find(migration, 'source')?.switch?.stage === 'started')
    throw new StorkyError('not_in_sync', { store: 'The source', detail: 'a switch is under way, or is taken back' });
  if (!side.home.exists(app)) return await letGo(side, migration);
  await close(side, { migration });
  // Where the app is served from here again, or still, nobody else is served by what it lent.
  if (side.home.epochs(app).read().role === 'active') side.lending.end(app, migration);
  dropClaims(side.home.epochs(app).file);
  side.records.delete(migration, 'source');
  await side.home.unlock(app, migration);
}

/** The app is gone, taken away by hand or with its host, and what this migration had made in its stores went with it. */
async function letGo({ records, stores }: SourceSide, migration: string): Promise<void> {
  const record = records.find(migration, 'source');
  if (record) await stores.close(record.stream);
  records.delete(migration, 'source');
}

export async function openStore(
  side: SourceSide,
  { app, migration, store }: Moving & { store: string },
): Promise<{ fresh: boolean }> {
  storeOf(side.home, app, store);
  remember(side, migration, store, 'live');
  const { stream } = side.records.get(migration, 'source');
  const opened = await side.stores.get(app, stream, store);
  const { fresh } = await opened.open(stream);
  return { fresh };
}

/** The peer's app may use the addon from there, from now on and after this migration. Idempotent. */
export async function lend(side: SourceSide, order: Moving & { store: string }): Promise<void> {
  const { peer, peerApp } = side.records.get(order.migration, 'source');
  await side.lending.lend(order, { region: peer.region, app: peerApp });
}

/**
 * Everything that would keep the switch from ending in time is said here, before anything is held.
 * @throws StorkyError not_in_sync also while a switch is made: its fence is not touched
 */
export async function ready(side: SourceSide, switching: Switching, { migration }: Moving): Promise<void> {
  const record = side.records.get(migration, 'source');
  await switching.apart(record.app, async () => {
    const stores = await liveStores(side, record);
    await Promise.all(stores.map(({ store }) => store.ready(record.stream)));
  });
  await nonePassing(side, record.app);
}

/** Who was connected before the gate came in, keeps-alive of a proxy for example, has so long to come anew, milliseconds. */
const passingMs = 20_000;

/** The switch would wait for these, with the gate held. */
async function nonePassing({ home }: SourceSide, app: string): Promise<void> {
  for (const giveUpAt = performance.now() + passingMs; ; await sleep(100)) {
    const left = await home.passing(app);
    if (left.length === 0) return;
    if (performance.now() < giveUpAt) continue;
    throw new StorkyError('past_the_gate', { app, count: left.length, which: left.slice(0, 3).join(', ') });
  }
}

export async function pendingMigrations({ home }: SourceSide, { app }: { app: string }): Promise<string[]> {
  const command = home.record(app).checks.pendingMigrations;
  if (!command) return [];
  const { code, lines } = await home.runOnce(app, command);
  if (code === 0 || lines.length > 0) return lines;
  return [`\`${command}\` ended ${code === null ? 'for taking too long' : `with exit code ${code}`}`];
}

/** Idempotent; removes what `openStore` made on this side, for all stores or for one. */
export async function close(
  side: SourceSide,
  { migration, store: only }: { migration: string; store?: string | undefined },
): Promise<void> {
  const record = side.records.find(migration, 'source');
  if (!record) return;
  const closed = (await liveStores(side, record)).filter(({ name }) => only === undefined || name === only);
  for (const { store } of closed) await store.close(record.stream);
  if (only === undefined) await side.stores.close(record.stream);
  else await side.stores.closeOne(record.stream, only);
  side.records.change(migration, 'source', (draft) => {
    if (only === undefined) draft.stores = {};
    else delete draft.stores[only];
  });
}

function remember({ records }: SourceSide, migration: string, store: string, carrier: Carrier): MigrationRecord {
  return records.change(migration, 'source', (draft) => {
    draft.stores[store] = { carrier, wanted: true, ticket: null, copied: false, report: null };
  });
}
