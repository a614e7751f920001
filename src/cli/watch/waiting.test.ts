import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import { newMigration, newStep } from '../testing/migration.test-support.ts';
import { endingText } from './ending.ts';
import { waitingLines, waitsTooLong } from './waiting.ts';

const plain = picocolors.createColors(false);
const hour = 3_600_000;

test('a move that has waited a day for its switch says so, and not before', () => {
  const step = { ...newStep('data', 'Carry'), finishedAt: '2026-01-02T03:04:05.000Z' };
  const migration = { ...newMigration(), status: 'data-migrated' as const, steps: [step] };
  const ended = Date.parse(step.finishedAt);
  expect(waitsTooLong(migration, ended + 23 * hour)).toBe(null);
  expect(waitingLines(migration, plain, ended + 26 * hour)).toEqual([
    'It has waited 26 h 00 min for its switch: the settings stay locked, and osc-fr1 keeps the copy in sync.',
  ]);
  expect(endingText(migration, plain)).toContain('It has waited ');
  expect(waitsTooLong({ ...migration, status: 'done' }, ended + 26 * hour)).toBe(null);
});
