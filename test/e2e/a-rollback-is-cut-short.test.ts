import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { diesInSwitch, startToDieAt } from './stage/failpoints.ts';
import { areServed, type FollowedShop, followedShop } from './stage/followed-shop.ts';
import { atRest, run, show } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger } from './stage/shop.ts';

it('each agent dies before the rollback is decided: one side serves on, and the next try goes back', async () => {
  const shop = await switchedShop();
  const { stage, visitors, id } = shop;
  for (const [region, point] of [
    [stage.east, 'source.marked'],
    [stage.west, 'target.applied'],
  ] as const) {
    await rollsBackUntil(shop, region, point);
    await region.startAgent();
    // It backed out, or was tried again as soon as the agent was back.
    const { status } = await atRest(stage, id);
    expect(['done', 'rolled-back']).toContain(status);
    const serving = status === 'done' ? 'east' : 'west';
    expect(await stage.api.apps.get({ app: 'shop', region: serving })).toMatchObject({ role: 'active', gate: 'serve' });
    await areServed(visitors);
    await wayBackIsOpen(shop);
    if (status === 'rolled-back') expect((await run(stage, id, 'finalize', 10_000)).status).toBe('done');
  }
  expect((await run(stage, id, 'rollback', 10_000)).status).toBe('rolled-back');
  await westServes(shop);
});

it.each([
  ['east', 'source.passive'],
  ['west', 'target.active'],
] as const)(
  'the agent of %s dies at %s, when the rollback is decided: the old side serves again',
  async (name, point) => {
    const shop = await switchedShop();
    const region = shop.stage[name];
    await rollsBackUntil(shop, region, point);
    await region.startAgent();
    expect((await atRest(shop.stage, shop.id)).status).toBe('rolled-back');
    await wayBackIsOpen(shop);
    await westServes(shop);
  },
);

async function switchedShop(): Promise<FollowedShop> {
  const shop = await followedShop();
  const { status, steps } = await run(shop.stage, shop.id, 'finalize', 10_000);
  expect(status, JSON.stringify(steps.at(-1))).toBe('done');
  await areServed(shop.visitors);
  return shop;
}

async function rollsBackUntil({ stage, id }: FollowedShop, region: Region, point: string): Promise<void> {
  await region.killAgent();
  await startToDieAt(region, point);
  await diesInSwitch(stage, id, region, point, 'rollback');
}

/** Both agents were restarted, or one: what follows goes on by itself. */
const wayBackIsOpen = ({ stage, id }: FollowedShop): Promise<unknown> =>
  waitFor(
    async () => {
      const { wayBack } = (await show(stage, id)).report;
      return wayBack?.open && wayBack.stores.length === 2 && wayBack.stores.every((store) => store.stage === 'in-sync');
    },
    { timeout: 30_000, what: 'both stores to follow' },
  );

async function westServes({ stage, visitors }: FollowedShop): Promise<void> {
  expect(await stage.api.apps.get({ app: 'shop', region: 'west' })).toMatchObject({ role: 'active', gate: 'serve' });
  expect(await stage.api.apps.get({ app: 'shop', region: 'east' })).toMatchObject({ role: 'passive', gate: 'forward' });
  await areServed(visitors);
  await closeTheLedger(visitors, stage.west);
}
