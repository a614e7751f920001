import { expect, it } from 'vitest';
import { fatten, finalize, whenStore } from './stage/carrying.ts';
import { visitedShop } from './stage/followed-shop.ts';
import { atRest, create, whenStep } from './stage/move.ts';
import { Stage } from './stage/stage.ts';
import { eastServes, westServes } from './stage/who-serves.ts';

const app = 'shop';

it('the source agent dies in prepare, in the copy and while following: each phase goes on, and the app moves', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  await fatten(stage.west);
  const { id } = await create(stage);

  await stage.api.migrations.run({ app, id, step: 'prepare' });
  await whenStep(stage, id, 'prepare.import-environment');
  await stage.west.restartAgent();
  expect((await atRest(stage, id)).status).toBe('prepared');

  await stage.api.migrations.run({ app, id, step: 'data' });
  await whenStore(stage.east, id, 'db', 'copying');
  await stage.west.restartAgent();
  expect((await atRest(stage, id)).status).toBe('data-migrated');

  await stage.west.restartAgent();
  await westServes(stage, visitors);
  expect((await finalize(stage, id)).status).toBe('done');
  await eastServes(stage, visitors);
});
