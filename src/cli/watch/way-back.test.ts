import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import type { StoreReport, WayBackReport } from '../../protocol/migration.ts';
import { newMigration } from '../testing/migration.test-support.ts';
import { switched } from '../testing/switches.test-support.ts';
import { strayLines, wayBackLine } from './way-back.ts';

const plain = picocolors.createColors(false);

/** Switched once, from osc-fr1, with these figures of the side that was left. */
function wentAway(store: Partial<StoreReport>, wayBack: Partial<WayBackReport> = {}) {
  const migration = { ...newMigration(), ...switched(1) };
  Object.assign(migration.report.wayBack!, wayBack);
  Object.assign(migration.report.wayBack!.stores[0]!, store);
  return migration;
}

test('who is refused on the side that was left is named, with where it came from', () => {
  const stray = { who: 'shop_db', from: '10.0.0.7', count: 3, lastAt: '2026-01-02T03:04:05.000Z' };
  const lines = strayLines(wentAway({ strays: [stray, { ...stray, who: 'boss', from: null, count: 1 }] }), plain);
  expect(lines).toEqual([
    expect.stringMatching(/^Refused in osc-fr1: shop_db from 10\.0\.0\.7 wanted to reach db, 3 times, last at 2026-/),
    expect.stringMatching(/^Refused in osc-fr1: boss wanted to reach db, 1 time, /),
  ]);
  expect(strayLines(wentAway({}), plain)).toEqual([]);
});

test('while the old side is away, it is said how long the way back will last', () => {
  const kept = { retainedBytes: 1e9, diskFreeBytes: 21e9 };
  expect(wayBackLine(wentAway({ lagMs: 600_000 }, kept), plain)).toContain('At this rate it is given up in 1 h 40 min');
  expect(wayBackLine(wentAway({ lagMs: 600 }, kept), plain)).not.toContain('given up');
});
