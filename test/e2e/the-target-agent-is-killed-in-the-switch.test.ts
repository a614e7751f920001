import { expect, it } from 'vitest';
import { diesInSwitch, startToDieAt } from './stage/failpoints.ts';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { atRest } from './stage/move.ts';
import { eastServes } from './stage/who-serves.ts';

it('the target agent dies again and again: the source serves until it is decided, then the target, once it is back', async () => {
  const { stage, visitors, id } = await followedShop();
  const whoServes = async () => (await stage.api.apps.get({ app: 'shop', region: 'west' })).role;
  for (const point of ['target.prepared', 'target.applied']) {
    await stage.east.killAgent();
    await startToDieAt(stage.east, point);
    await diesInSwitch(stage, id, stage.east, point);
    await areServed(visitors);
    expect(await whoServes()).toBe('active');
  }
  await startToDieAt(stage.east, 'target.active');
  await diesInSwitch(stage, id, stage.east, 'target.active');
  expect(await whoServes()).toBe('passive');
  await startToDieAt(stage.east, 'target.open');
  await diesInSwitch(stage, id, stage.east, 'target.open');
  await areServed(visitors);
  await stage.east.startAgent();
  expect((await atRest(stage, id)).status).toBe('done');
  await eastServes(stage, visitors);
});
