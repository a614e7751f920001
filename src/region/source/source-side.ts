import type { SourceStore } from '../../drivers/store.ts';
import type { SourceHome } from '../home.ts';
import type { LinkClient } from '../link/link-client.ts';
import type { MigrationRecord, MigrationRecords } from '../migrations/records.ts';
import type { OpenStores } from '../open-stores.ts';
import type { Lending } from '../remote/lending.ts';
import { storesOf } from '../stores.ts';
import type { NamedSource } from '../switch/parts.ts';

/** What the source side of this agent works with. */
export interface SourceSide {
  region: string;
  /** How the outside reaches this region: host name or address, and the domain of its apps. */
  host: string;
  domain: string;
  home: SourceHome;
  records: MigrationRecords;
  stores: OpenStores<SourceStore>;
  link: LinkClient;
  lending: Lending;
}

/**
 * Invariant 6, for what did not switch live: nobody writes any more to a database that the app has left, whatever carried
 * it. After the decision, since it ends sessions. What was lent has not been left: the app uses it from where it is now.
 */
export async function sealTheRest(side: SourceSide, record: MigrationRecord): Promise<void> {
  const lent = side.home.loans(record.app).map(({ addon }) => addon);
  const rest = storesOf(side.home, record.app).filter(
    ({ name, kind }) => kind === 'database' && record.stores[name]?.carrier !== 'live' && !lent.includes(name),
  );
  for (const { name } of rest) await side.stores.with(record.app, name, (store) => store.seal());
}

/** The stores that this migration carries live, which are the ones that switch. */
export async function liveStores(side: SourceSide, record: MigrationRecord): Promise<NamedSource[]> {
  const names = Object.entries(record.stores)
    .filter(([, { carrier }]) => carrier === 'live')
    .map(([name]) => name);
  return await Promise.all(
    names.map(async (name) => ({ name, store: await side.stores.get(record.app, record.stream, name) })),
  );
}
