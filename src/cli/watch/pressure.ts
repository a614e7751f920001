import type { Migration } from '../../protocol/migration.ts';
import { bytes, duration } from '../show/units.ts';

/** How the source fared while it was copied, as rows of the numbers. */
export function pressureRows({ report: { pressure }, copyLimit }: Migration): [string, string][] {
  if (!pressure || pressure.seconds === 0) return [];
  const { by, beforeP99Ms, duringP99Ms, heldBackMs, lowestBytesPerSecond } = pressure;
  const of = by === 'requests' ? '99 of 100 answers came within' : 'its stores answered within';
  const rows: [string, string][] = [];
  if (beforeP99Ms !== null && duringP99Ms !== null)
    rows.push(['Source', `${of} ${duration(beforeP99Ms)} before the copy, within ${duration(duringP99Ms)} during it`]);
  const speed = `${bytes(pressure.bytes / pressure.seconds)} a second on average`;
  const limit = copyLimit == null ? '' : `, at most ${bytes(copyLimit)}`;
  const slowed =
    lowestBytesPerSecond === null
      ? ''
      : `; slowed down to ${bytes(lowestBytesPerSecond)} a second at times, for the source to keep up`;
  rows.push([
    'Copy',
    `${speed}${limit}${slowed}${heldBackMs > 0 ? `; held back for ${duration(heldBackMs)} in all` : ''}`,
  ]);
  return rows;
}
