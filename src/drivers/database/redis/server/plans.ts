import type { Plan } from '../../contract.ts';

export interface RedisPlan extends Plan {
  /** A cache drops what is used least when it is full, and writes no log; every other plan keeps all, and refuses when full. */
  cache: boolean;
}

const plan = (name: string, memoryMb: number, maxConnections: number, cache = false): RedisPlan => ({
  name,
  memoryMb,
  maxConnections,
  cache,
});

/** Smallest first. */
export const plans: RedisPlan[] = [
  plan('sandbox', 128, 100),
  plan('starter-512', 512, 500),
  plan('cache-512', 512, 500, true),
  plan('starter-1024', 1024, 1_000),
  plan('business-2048', 2048, 2_000),
  plan('cache-2048', 2048, 2_000, true),
  plan('business-8192', 8192, 5_000),
];

/** A plan that is not known here (the other region's) is served as the smallest: it must not keep a server from starting. */
export function planNamed(name: string): RedisPlan {
  return plans.find((known) => known.name === name) ?? plans[0]!;
}
