import { expect, test } from 'vitest';
import type { Carrier, Migration } from '../../protocol/migration.ts';
import { leaveBehind } from './leave-behind.ts';

function migration(carrier: Carrier, region?: string) {
  const store = (name: string, kind: 'database' | 'files', more: object) => ({ name, kind, carrier: 'live', ...more });
  const stores = [store('db', 'database', { carrier, region }), store('uploads', 'files', {})];
  return { destination: 'lyon', report: { stores } } as unknown as Pick<Migration, 'report' | 'destination'>;
}

test('what is left is written down as staying where the switch brought it; said again, nothing changes', () => {
  const moved = migration('live');
  for (let n = 0; n < 2; n++) {
    leaveBehind(moved, 'rollback', ['db']);
    expect(moved.report.stores[0]).toMatchObject({ carrier: 'remote', region: 'lyon' });
    expect(moved.report.stores[1]).toMatchObject({ carrier: 'live' });
  }
  leaveBehind(migration('live'), 'finalize', []);
});

test.each([
  ['in another phase', 'finalize', 'db', 'live', 'only a rollback'],
  ['a file tree', 'rollback', 'uploads', 'live', 'there is no addon named uploads'],
  ['what is not there', 'rollback', 'queue', 'live', 'there is no addon named queue'],
  ['what the old side does not follow', 'rollback', 'db', 'backup', 'db was carried by backup'],
  ['what never left the old side', 'rollback', 'db', 'remote', 'db was carried by remote'],
] as const)('refused: %s', (_, phase, name, carrier, why) => {
  const moved = migration(carrier, 'paris');
  const before = structuredClone(moved);
  expect(() => leaveBehind(moved, phase, [name])).toThrow(why);
  expect(moved).toEqual(before);
});
