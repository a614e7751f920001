import type { Slots } from '../../base/slots.ts';
import type { DatabaseEngine } from '../../drivers/database/contract.ts';
import type { SourceEndpoint, TargetStore } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { StoreReport } from '../../protocol/migration.ts';
import type { TargetHome } from '../home.ts';
import type { LinkClient } from '../link/link-client.ts';
import type { MigrationRecord, MigrationRecords } from '../migrations/records.ts';
import type { OpenStores } from '../open-stores.ts';
import { type StoreName, storesOf } from '../stores.ts';
import type { CarryJobs } from './carry-jobs.ts';
import type { Endpoints } from './endpoints.ts';
import type { Governors } from './governors.ts';
import type { Offers } from './offers.ts';

/** What the target side of this agent works with. */
export interface TargetSide {
  region: string;
  dataFolder: string;
  home: TargetHome;
  records: MigrationRecords;
  stores: OpenStores<TargetStore>;
  link: LinkClient;
  jobs: CarryJobs;
  copies: Slots;
  endpoints: Endpoints;
  governors: Governors;
  offers: Offers;
  /** The open switch streams, by migration: is an attempt under way on it? */
  attempts: Map<() => boolean, string>;
  engine(name: string): Promise<DatabaseEngine>;
  /** On the way back, one store becomes a copy of the other side from the turn on (way-back/follow.ts). */
  beginBack(record: MigrationRecord, name: string, from: SourceEndpoint, signal: AbortSignal): Promise<void>;
}

export interface OpenStore extends StoreName {
  store: TargetStore;
}

/** All stores that this region has of the app so far, opened. */
export async function presentStores(side: TargetSide, { app, stream, stores }: MigrationRecord): Promise<OpenStore[]> {
  const present = storesOf(side.home, app).filter(({ name }) => name in stores);
  return await Promise.all(
    present.map(async (store) => ({ ...store, store: await side.stores.get(app, stream, store.name) })),
  );
}

export const isLive = ({ stores }: Pick<MigrationRecord, 'stores'>, name: string): boolean =>
  stores[name]?.carrier === 'live';

/** What is here came from the source, and must stay as it was there until the switch. */
export const isCopy = ({ stores }: Pick<MigrationRecord, 'stores'>, name: string): boolean =>
  isLive({ stores }, name) || stores[name]?.carrier === 'backup';

/** This region was made active, but the agent was killed before all stores were open to writers. */
export function stillClosed({ home, records }: TargetSide, app: string): boolean {
  const record = records.all('target').find((known) => known.app === app);
  if (!record || home.epochs(app).read().role === 'passive') return false;
  return Object.values(record.stores).some(({ report }) => report !== null && report.stage !== 'switched');
}

export function emptyReport(store: StoreName, carrier: StoreReport['carrier']): StoreReport {
  return {
    ...store,
    carrier,
    stage: 'waiting',
    progress: null,
    lagBytes: null,
    lagMs: null,
    bytesCopied: 0,
    rowsCompared: 0,
    filesCompared: 0,
    differences: 0,
    detail: '',
  };
}

export const reportsOf = ({ records }: TargetSide, migration: string): StoreReport[] =>
  Object.values(records.get(migration, 'target').stores).flatMap(({ report }) => report ?? []);

/** The guard of every destructive verb here: what serves, or has served, is never removed by a migration. */
export function refuseIfActive({ home, region }: TargetSide, app: string): void {
  if (!home.exists(app) || home.epochs(app).read().role === 'passive') return;
  throw new StorkyError('wrong_phase', {
    phase: 'abort',
    status: `active in ${region}`,
    hint: 'After the switch the way back is a switch in the other direction.',
  });
}

/** The migration is over on this side. */
export function forgetMigration({ records, governors }: TargetSide, migration: string): void {
  records.delete(migration, 'target');
  governors.forget(migration);
}
