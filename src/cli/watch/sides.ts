import { switchesMade, turned } from '../../migration/moving.ts';
import type { Migration } from '../../protocol/migration.ts';

/**
 * The migration as its last switch saw it: `destination` is the side that serves, `source` the one that was left. Switches
 * alternate, so after an even number of them the app is where it began.
 */
export const asLastSwitched = (migration: Migration): Migration =>
  switchesMade(migration) % 2 === 1 ? migration : turned(migration);

export const isSwitched = (migration: Migration): boolean => switchesMade(migration) > 0;

/** The last switch that was made; those that backed out moved nothing. */
export const lastSwitch = ({ report }: Migration) => report.switches.findLast(({ outcome }) => outcome === 'switched');
