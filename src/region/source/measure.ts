import type { SourceStore } from '../../drivers/store.ts';
import type { Carrier } from '../../protocol/migration.ts';
import type { StoreMeasure } from '../../protocol/region-contract.ts';
import type { RemoteAddon } from '../apps/app-document.ts';
import type { SourceHome } from '../home.ts';
import type { OpenStores } from '../open-stores.ts';
import { type StoreName, storesOf } from '../stores.ts';

/** How big each store is, what carries it, and what of it cannot be carried. Changes nothing. */
export async function measureStores(
  home: SourceHome,
  stores: OpenStores<SourceStore>,
  app: string,
): Promise<StoreMeasure[]> {
  const here = await Promise.all(
    storesOf(home, app).map((store) => stores.with(app, store.name, (opened) => measure(home, app, store, opened))),
  );
  return [...here, ...home.remotes(app).map(elsewhere)];
}

/** Nothing carries it from here: its data are the other region's. */
const elsewhere = ({ addon, engine, version, plan, peer }: RemoteAddon): StoreMeasure => ({
  ...{ name: addon, kind: 'database', engine, version, plan, region: peer.region },
  ...{ bytes: 0, items: 0, notMoved: [], findings: [], carriers: [] },
});

async function measure(
  home: SourceHome,
  app: string,
  { name, kind }: StoreName,
  store: SourceStore,
): Promise<StoreMeasure> {
  const [size, findings, database] = await Promise.all([
    store.measure(),
    store.check(),
    kind === 'database' ? home.database(app, name) : null,
  ]);
  const { live, backup } = database?.engine.capabilities ?? { live: true, backup: true };
  const carriers: Carrier[] = [
    ...(live ? ['live' as const] : []),
    ...(backup ? ['backup' as const] : []),
    ...(database ? ['remote' as const] : []),
    'provision',
    'manual',
  ];
  return {
    name,
    kind,
    carriers,
    engine: database?.instance.engine ?? null,
    version: database?.instance.version ?? null,
    plan: database?.instance.plan ?? null,
    region: null,
    bytes: size.bytes,
    items: size.items,
    notMoved: size.notMoved,
    findings: findings.map((finding) => ({ ...finding, name: finding.id })),
    ...(database?.instance.external && { noWayBack: 'Storky does not run it, and so cannot have it follow' }),
  };
}
