import type { Migration, StoreReport, WayBackReport } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { bytes, duration, localTime, plural } from '../show/units.ts';
import { asLastSwitched, lastSwitch } from './sides.ts';

/** Shorter than this, and a rate says nothing. */
const longAwayMs = 60_000;

/** Of a switch that was made and not ended; null before it, and when it is over. */
export function wayBackState({ status, report }: Migration): 'open' | 'none' | null {
  if (status !== 'done' && status !== 'rolled-back') return null;
  return report.wayBack?.open ? 'open' : 'none';
}

export function paintedState(migration: Migration, paint: Paint): string {
  const state = wayBackState(migration);
  return state === 'open' ? paint.green(state) : paint.yellow(state ?? '');
}

export const whyNone = ({ report }: Migration): string => report.wayBack?.reason ?? 'none was built';

/** One line: how far the side that was left follows, and what that costs the one that serves; or why it does not. */
export function wayBackLine(migration: Migration, paint: Paint): string | null {
  const state = wayBackState(migration);
  if (state === null) return null;
  if (state === 'none') return paint.yellow(`No way back: ${whyNone(migration)}.`);
  const wayBack = migration.report.wayBack!;
  const { source, destination } = asLastSwitched(migration);
  const failed = wayBack.stores.find(({ stage }) => stage === 'failed');
  const follows = failed
    ? paint.yellow(`${failed.name} does not follow: ${failed.detail}`)
    : `${source} follows${lag(wayBack.stores)}`;
  return `${paint.bold('Way back:')} ${follows}${cost(wayBack, destination)}${left(wayBack)}`;
}

/** Invariant 6: who came to the side that was left, and was refused there. A line for each. */
export function strayLines(migration: Migration, paint: Paint): string[] {
  const { source } = asLastSwitched(migration);
  return (followers(migration) ?? []).flatMap(({ name, strays = [] }) =>
    strays.map(({ who, from, count, lastAt }) => {
      const origin = from === null ? '' : ` from ${from}`;
      return paint.yellow(
        `Refused in ${source}: ${who}${origin} wanted to reach ${name}, ${plural(count, 'time')}, last at ${localTime(lastAt)}`,
      );
    }),
  );
}

/** The copies of the next switch back; null when what is known of them is older than the last switch. */
export function followers(migration: Migration): StoreReport[] | null {
  const { wayBack } = migration.report;
  const last = lastSwitch(migration);
  return wayBack?.open && last && wayBack.epoch > last.epoch ? wayBack.stores : null;
}

function lag(stores: StoreReport[]): string {
  const known = (values: (number | null)[]) => values.filter((value) => value !== null);
  const inBytes = known(stores.map((store) => store.lagBytes));
  const inMs = known(stores.map((store) => store.lagMs));
  const parts = [
    ...(inBytes.length ? [bytes(inBytes.reduce((sum, each) => sum + each, 0))] : []),
    ...(inMs.length ? [duration(Math.max(...inMs))] : []),
  ];
  return parts.length ? `, ${parts.join(' and ')} behind` : '';
}

/** While the old side is away, what is kept for it grows; it is given up when that outgrows what the disk has left. */
function left({ stores, retainedBytes, diskFreeBytes }: WayBackReport): string {
  const awayMs = Math.max(0, ...stores.map(({ lagMs }) => lagMs ?? 0));
  if (awayMs < longAwayMs || !retainedBytes || diskFreeBytes === null) return '';
  const room = Math.max(0, diskFreeBytes - retainedBytes) / 2;
  return `. At this rate it is given up in ${duration((room / retainedBytes) * awayMs)}`;
}

function cost({ retainedBytes, diskFreeBytes }: WayBackReport, serving: string): string {
  if (retainedBytes === null) return '';
  const room = diskFreeBytes === null ? '' : `; its disk has ${bytes(diskFreeBytes)} free`;
  return `. ${serving} keeps ${bytes(retainedBytes)} for it${room}`;
}
