import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import type { Arrivals } from './arrivals.ts';

let last = Date.now();

/**
 * Writes a probe on the source and waits until the stream has brought it here. When it resolves, everything that the
 * source had committed before the call is applied. Returns milliseconds. Throws `timeout` after `ms`.
 */
export async function probe(
  source: Client,
  arrivals: Arrivals,
  migration: string,
  signal: AbortSignal,
  ms = 30_000,
): Promise<number> {
  last += 1;
  const epoch = -last;
  const began = performance.now();
  const arrived = arrivals.of(migration, epoch, { at: began + ms, signal });
  arrived.catch(() => {});
  await source.query(`INSERT INTO ${storkySchema}.marker (migration, epoch) VALUES ($1, $2)`, [migration, epoch]);
  return (await arrived) - began;
}

/** The link's round trip, milliseconds: the shortest of some. */
export async function roundTrip(source: Client): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5; n++) {
    const began = performance.now();
    await source.query('SELECT 1');
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}
