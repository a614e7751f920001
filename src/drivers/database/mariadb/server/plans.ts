import type { Plan } from '../../contract.ts';

/** Smallest first. */
export const plans: Plan[] = [
  { name: 'sandbox', memoryMb: 256, maxConnections: 30 },
  { name: 'starter-512', memoryMb: 512, maxConnections: 60 },
  { name: 'starter-1024', memoryMb: 1024, maxConnections: 120 },
  { name: 'business-2048', memoryMb: 2048, maxConnections: 240 },
  { name: 'business-8192', memoryMb: 8192, maxConnections: 480 },
];

/** A plan that is not known here (the other region's) is served as the smallest: it must not keep a database from starting. */
export function planNamed(name: string): Plan {
  return plans.find((plan) => plan.name === name) ?? plans[0]!;
}
