import type { Duty } from './duty.ts';
import type { Keeper } from './keeper.ts';

export interface Division {
  /** Run already as they should. */
  kept: Keeper[];
  /** Run in a way that is out of date, or are not wanted any more. */
  outdated: Keeper[];
  missing: Duty[];
}

/** Compares what runs with what should; pure. */
export function divide(keepers: readonly Keeper[], wanted: readonly Duty[]): Division {
  const isFor = (duty: Duty) => (keeper: Keeper) =>
    keeper.duty.type === duty.type && keeper.duty.index === duty.index && keeper.duty.spec === duty.spec;
  const kept = wanted.map((duty) => keepers.find(isFor(duty))).filter((keeper) => keeper !== undefined);
  return {
    kept,
    outdated: keepers.filter((keeper) => !kept.includes(keeper)),
    missing: wanted.filter((duty) => !keepers.some(isFor(duty))),
  };
}
