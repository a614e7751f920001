import type { Migration } from '../../protocol/migration.ts';
import { duration, localTime } from '../show/units.ts';

/** For how long an app with the carrier `backup` did not serve, as a row of the numbers. */
export function stoodStillRows({ report: { stoodStill } }: Migration): [string, string][] {
  if (!stoodStill) return [];
  const { since, ms } = stoodStill;
  const text = ms === null ? `since ${localTime(since)}, until the switch or an abort` : duration(ms);
  return [['Stood still', `${text} (carrier backup)`]];
}
