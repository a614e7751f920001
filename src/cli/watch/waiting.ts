import type { Migration } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { duration } from '../show/units.ts';

const longMs = 24 * 3_600_000;

/** How long a migration that is in sync has waited for its switch, milliseconds, once that is a day or more; else null. */
export function waitsTooLong({ status, steps }: Migration, now = Date.now()): number | null {
  if (status !== 'data-migrated') return null;
  const waitedMs = now - Math.max(...steps.map(({ startedAt, finishedAt }) => Date.parse(finishedAt ?? startedAt)));
  return waitedMs >= longMs ? waitedMs : null;
}

/** Nobody switches by himself, and what waits costs: so that it is not forgotten. */
export function waitingLines(migration: Migration, paint: Paint, now = Date.now()): string[] {
  const waitedMs = waitsTooLong(migration, now);
  if (waitedMs === null) return [];
  const { source } = migration;
  return [
    paint.yellow(
      `It has waited ${duration(waitedMs)} for its switch: the settings stay locked, and ${source} keeps the copy in sync.`,
    ),
  ];
}
