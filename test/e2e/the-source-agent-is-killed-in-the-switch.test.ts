import { expect, it } from 'vitest';
import { finalize } from './stage/carrying.ts';
import { diesInSwitch, startToDieAt } from './stage/failpoints.ts';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { atRest } from './stage/move.ts';
import { eastServes } from './stage/who-serves.ts';

it('the source agent dies again and again before it is decided: each time the source resumes', async () => {
  const { stage, visitors, id } = await followedShop();
  await stage.west.killAgent();
  for (const point of ['source.held', 'source.marked', 'source.sealed']) {
    await startToDieAt(stage.west, point);
    await diesInSwitch(stage, id, stage.west, point);
  }
  // Without the server there is nobody who would try again or tell it what to do.
  await stage.killServer();
  await stage.west.startAgent();
  await areServed(visitors);
  await stage.startServer();
  expect(await stage.api.apps.get({ app: 'shop', region: 'west' })).toMatchObject({ role: 'active', epoch: 0 });
  const migration = await finalize(stage, id);
  expect(migration.status).toBe('done');
  expect(migration.report.switches.at(-1)).toMatchObject({ outcome: 'switched', reason: null });
  await eastServes(stage, visitors);
});

it.each(['source.passive', 'source.told', 'source.forwarding'])(
  'the source agent dies at %s, when it is decided: the target serves',
  async (point) => {
    const { stage, visitors, id } = await followedShop();
    await stage.west.killAgent();
    await startToDieAt(stage.west, point);
    await diesInSwitch(stage, id, stage.west, point);
    await stage.west.startAgent();
    const migration = await atRest(stage, id);
    expect(migration.status).toBe('done');
    expect(migration.report.switches).toMatchObject([{ outcome: 'switched', epoch: 1 }]);
    await eastServes(stage, visitors);
  },
);
