import { streamOf } from '../migrations/stream.ts';
import { close } from '../source/source-service.ts';
import { liveStores, type SourceSide } from '../source/source-side.ts';
import type { TargetSide } from '../target/target-side.ts';

interface Turning {
  app: string;
  migration: string;
  /** That the switch makes. */
  epoch: number;
}

/**
 * Invariant 7, on the side that the app goes to, while it is still a copy: what the stream back will need here, and the
 * grant for the peer to come for it. Idempotent. The stores that go back are those that came live.
 */
export async function openWayBackHere(
  source: SourceSide,
  target: TargetSide,
  { app, migration, epoch }: Turning,
): Promise<void> {
  const { peer, peerApp, stores } = target.records.get(migration, 'target');
  const stream = streamOf(migration, epoch + 1);
  const known = source.records.find(migration, 'source');
  if (known && known.stream !== stream) await close(source, { migration });
  const live = Object.keys(stores).filter((name) => stores[name]!.carrier === 'live');
  source.records.put({
    ...{ migration, stream, role: 'source', app, peer, peerApp, switch: null },
    stores: Object.fromEntries(
      live.map((name) => [name, { carrier: 'live', wanted: true, ticket: null, copied: false, report: null }]),
    ),
  });
  const record = source.records.get(migration, 'source');
  for (const { store } of await liveStores(source, record)) await store.openWayBack(stream);
}

/** Takes it away, grant and all, where the app has not come to be served here. Idempotent. */
export async function closeWayBackHere(source: SourceSide, { app, migration }: Omit<Turning, 'epoch'>): Promise<void> {
  if (!source.records.find(migration, 'source') || source.home.epochs(app).read().role === 'active') return;
  await close(source, { migration });
  source.records.delete(migration, 'source');
}
