import type { Latency } from '../../protocol/gate.ts';
import { liveStores, type SourceSide } from './source-side.ts';

const noRequests = { count: 0, p50Ms: 0, p99Ms: 0 };
/** A store that has not answered by then fares badly enough to be told. Milliseconds. */
const patienceMs = 3_000;

/** What the target's copy is governed by. A store of another carrier has no session here to ask with. */
export async function pressureOf(
  side: SourceSide,
  { migration, app }: { migration: string; app: string },
): Promise<{ requests: Latency; pulses: Record<string, number> }> {
  const stores = await liveStores(side, side.records.get(migration, 'source'));
  const asked = stores.flatMap(({ name, store }) => (store.pulse ? [timed(name, () => store.pulse!())] : []));
  // Without a router there are no visitors either.
  const requests = side.home.latency(app).catch(() => ({ window: noRequests, whole: noRequests }));
  return { requests: await requests, pulses: Object.fromEntries(await Promise.all(asked)) };
}

async function timed(name: string, pulse: () => Promise<void>): Promise<[string, number]> {
  const began = performance.now();
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  await Promise.race([pulse().catch(() => {}), late]);
  clearTimeout(timer);
  return [name, performance.now() - began];
}
