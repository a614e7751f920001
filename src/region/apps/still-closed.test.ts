import { expect, test } from 'vitest';
import { record, testRegion } from './region.test-support.ts';

test('nobody is let in to an app that a switch has made active until its stores are open, whatever the router knew', async () => {
  const region = await testRegion();
  const { moving } = region.apps;
  const by = { migration: '00000000-0000-4000-8000-000000000001', peer: 'osc-secnum-fr1' };
  await moving.createPassive(record({ name: 'shop' }), { ...by, epoch: 0 });
  moving.recordEpoch('shop', { ...by, epoch: 1, role: 'active', at: new Date().toISOString() });
  const gate = async () => (await region.apps.get('shop')).gate;
  const patienceMs = async () => (await region.apps.metrics('shop')).gate.limits.budgetMs;
  expect([await gate(), await patienceMs()]).toEqual(['hold', 30_000]);

  await region.restart({ stillClosed: () => true });
  expect(await gate()).toBe('hold');
  await region.router.client.remove('shop');
  await region.restart({ stillClosed: () => true });
  expect([await gate(), await patienceMs()]).toEqual(['hold', 30_000]);
  await region.restart();
  expect(await gate()).toBe('serve');
});
