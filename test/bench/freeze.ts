import { freezeOfAllStores } from './freeze/all-stores.ts';
import type { FreezeBenchOptions, FreezeMeasurement } from './freeze/measurement.ts';
import { freezeOfOneStore } from './freeze/one-store.ts';

/** Of a switch to and fro under load, over links of several lengths: with one database, and with every kind of store. */
export async function* benchFreeze(options: Partial<FreezeBenchOptions> = {}): AsyncGenerator<FreezeMeasurement> {
  const all = { rttsMs: [0, 20, 80], switches: 20, writesPerSecond: 500, ...options };
  yield* freezeOfOneStore(all);
  yield* freezeOfAllStores(all);
}
