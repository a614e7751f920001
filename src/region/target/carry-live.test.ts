import { expect, test, vi } from 'vitest';
import { Slots } from '../../base/slots.ts';
import type { TargetStore, VerifyResult } from '../../drivers/store.ts';
import type { StoreReport } from '../../protocol/migration.ts';
import { Governor } from '../pressure/governor.ts';
import { type CarryOrder, carryLive } from './carry-live.ts';

// What each engine finds is the matter of its own tests; here it is what becomes of it.

const unused = () => Promise.reject(new Error('nobody is asked here'));

function order(found: VerifyResult, { copies = new Slots(1), copy = async () => {} } = {}) {
  const stages: StoreReport['stage'][] = [];
  const report: Partial<StoreReport> = {};
  const inSync = new AbortController();
  const store = {
    copy: () => copy().then(() => ({ bytes: 1, items: 1 })),
    standby: async () => {},
    follow: async () => {},
    healthy: async () => {},
    lag: async () => ({ bytes: 0, ms: 0 }),
    verify: async () => found,
  } as unknown as TargetStore;
  const carry: CarryOrder = {
    ...{ stream: 's', name: 'db', kind: 'database', store },
    fetchTicket: async () => ({}),
    copies,
    governor: new Governor(unused, undefined, () => {}),
    endpoint: { host: '', port: 0, openStream: () => expect.unreachable() },
    copied: { get: () => false, set: () => {} },
    report: (change) => {
      if (change.stage) stages.push(change.stage);
      Object.assign(report, change);
      if (change.stage === 'in-sync') inSync.abort();
    },
  };
  return { carry, stages, report, inSync };
}

test('a copy that differs is never in sync: it fails, with the rows that differ', async () => {
  const { carry, stages, report, inSync } = order({ items: 7, differences: ['public.t: the row id = 3 differs'] });
  await expect(carryLive(carry, inSync.signal)).rejects.toMatchObject({
    code: 'verification_failed',
    message: expect.stringContaining('the row id = 3 differs'),
  });
  expect(stages).toEqual(['copying', 'catching-up', 'verifying']);
  expect(report).toMatchObject({ rowsCompared: 7, differences: 1 });
});

test('one that is the same is, and says how much was compared', async () => {
  const { carry, stages, report, inSync } = order({ items: 7, differences: [] });
  await expect(carryLive(carry, inSync.signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(stages.at(-1)).toBe('in-sync');
  expect(report).toMatchObject({ rowsCompared: 7, differences: 0 });
});

test('no more are copied at once than the agent allows; the others say that they wait, and those that follow need no place', async () => {
  const copies = new Slots(2);
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const same = { items: 1, differences: [] };
  const stores = gates.map(({ promise }) => order(same, { copies, copy: () => promise }));
  const ends = stores.map(({ carry, inSync }) => carryLive(carry, inSync.signal).catch(() => {}));
  const stages = () => stores.map(({ stages }) => stages.at(-1));
  await vi.waitFor(() => expect(stages()).toEqual(['copying', 'copying', 'waiting']));
  expect(stores[2]!.report.detail).toBe('for its turn: 2 are copied at once');

  gates[0]!.resolve();
  await vi.waitFor(() => expect(stages()).toEqual(['in-sync', 'copying', 'copying']));
  gates[1]!.resolve();
  gates[2]!.resolve();
  await Promise.all(ends);
  expect(stages()).toEqual(['in-sync', 'in-sync', 'in-sync']);

  const [held, free] = [Promise.withResolvers<never>(), new AbortController()];
  void copies.take(() => held.promise, free.signal).catch(() => {});
  void copies.take(() => held.promise, free.signal).catch(() => {});
  const resumed = order(same, { copies });
  resumed.carry.copied.get = () => true;
  await carryLive(resumed.carry, resumed.inSync.signal).catch(() => {});
  expect(resumed.stages).toEqual(['catching-up', 'verifying', 'in-sync']);
  held.reject(new Error('over'));
});
