import { switchesMade } from '../../migration/moving.ts';
import type { Migration } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { facts } from '../show/table.ts';
import { bytes, count, duration, plural } from '../show/units.ts';
import { pressureRows } from './pressure.ts';
import { lastSwitch } from './sides.ts';
import { stoodStillRows } from './stood-still.ts';

/** What the last switch measured, and what was copied and compared before the first. `forwarded`: by the old gate so far; null where it cannot be asked. */
export function numbersText(migration: Migration, forwarded: number | null, paint: Paint): string {
  const { report, budgetMs } = migration;
  const last = lastSwitch(migration);
  const sum = (of: (store: (typeof report.stores)[number]) => number) =>
    report.stores.reduce((all, store) => all + of(store), 0);
  const pairs: [string, string][] = [];
  if (last)
    pairs.push(
      ['Freeze', `${paint.bold(duration(last.freezeMs))} ${paint.dim(`(allowed: ${duration(budgetMs)})`)}`],
      ['Held', `${plural(last.held, 'request')}, the longest for ${duration(last.longestWaitMs)}`],
      ['Refused', last.refused ? paint.red(count(last.refused)) : '0'],
    );
  pairs.push(...stoodStillRows(migration));
  if (forwarded !== null) pairs.push(['Forwarded', `${plural(forwarded, 'request')} by the old gate so far`]);
  if (report.stores.length && switchesMade(migration) === 1)
    pairs.push(
      ['Copied', bytes(sum((store) => store.bytesCopied))],
      [
        'Compared',
        `${plural(
          sum((store) => store.rowsCompared),
          'row',
        )}, ${plural(
          sum((store) => store.filesCompared),
          'file',
        )}`,
      ],
      ['Differences', sum((store) => store.differences) ? paint.red(count(sum((store) => store.differences))) : '0'],
      ...pressureRows(migration),
    );
  return pairs.length ? facts(pairs, paint.dim) : '';
}
