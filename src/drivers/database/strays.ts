import type { Stray } from '../../protocol/migration.ts';

/** One refusal, as an engine tells of it. `at`: milliseconds of the epoch; `from` may end in a port, which is left out. */
export interface Refusal {
  at: number;
  who: string;
  from: string;
  count?: number;
}

const most = 20;

/** One for each account and address, newest first. */
export function straysOf(refusals: Refusal[], since: number): Stray[] {
  const strays = new Map<string, Stray>();
  for (const { at, who, from, count = 1 } of refusals.filter((one) => one.at >= since).sort((a, b) => a.at - b.at)) {
    const address = from.replace(/(?:\(\d+\)|:\d+)$/, '') || null;
    const key = JSON.stringify([who, address]);
    const before = strays.get(key)?.count ?? 0;
    strays.delete(key); // so that the newest is the last
    strays.set(key, { who, from: address, count: before + count, lastAt: new Date(at).toISOString() });
  }
  return [...strays.values()].reverse().slice(0, most);
}
