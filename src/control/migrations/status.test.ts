import { expect, test } from 'vitest';
import type { MigrationRow } from '../state/migrations.ts';
import { whyNot } from './status.ts';

const over = (switches: number): MigrationRow => {
  const places = { source: 'paris', destination: 'lyon', srcAppName: 'shop', dstAppName: 'shop-2' };
  const report = {
    switches: Array.from({ length: switches }, () => ({ outcome: 'switched' })),
    wayBack: null,
    stores: [],
  };
  const migration = { id: 'm', status: switches > 0 ? 'completed' : 'aborted', failedPhase: null, ...places, report };
  return { migration, run: null } as unknown as MigrationRow;
};

test('what may come after one that is over is said of the app where it is now', () => {
  expect(whyNot(over(0), 'abort')).toContain('`storky --app shop migration-create --to lyon`');
  expect(whyNot(over(1), 'abort')).toContain('`storky --app shop-2 migration-create --to paris`');
  expect(whyNot(over(2), 'abort')).toContain('`storky --app shop migration-create --to lyon`');
});
