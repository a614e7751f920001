import { expect, it } from 'vitest';
import { fatten, whenStore } from './stage/carrying.ts';
import { visitedShop } from './stage/followed-shop.ts';
import { atRest, create, run, show, whenStep } from './stage/move.ts';
import { Stage } from './stage/stage.ts';
import { eastServes, westServesAlone } from './stage/who-serves.ts';

const app = 'shop';

it('the server dies in preflight, prepare, the copy, while following and in finalize: each goes on by itself', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  await fatten(stage.west);

  const { id } = await stage.api.migrations.create({ app, from: 'west', destination: 'east' });
  await stage.restartServer();
  expect((await atRest(stage, id)).status).toBe('preflight-success');

  await stage.api.migrations.run({ app, id, step: 'prepare' });
  await whenStep(stage, id, 'prepare.import-environment');
  await stage.restartServer();
  expect((await atRest(stage, id)).status).toBe('prepared');

  await stage.api.migrations.run({ app, id, step: 'data' });
  await whenStore(stage.east, id, 'db', 'copying');
  await stage.restartServer();
  expect((await atRest(stage, id)).status).toBe('data-migrated');

  await stage.restartServer();
  expect((await show(stage, id)).status).toBe('data-migrated');

  await stage.api.migrations.run({ app, id, step: 'finalize' });
  await whenStep(stage, id, 'finalize.switch');
  await stage.restartServer();
  const { status, report } = await atRest(stage, id);
  expect(status).toBe('done');
  expect(report.switches.map(({ outcome }) => outcome)).toEqual(['switched']);
  await eastServes(stage, visitors);
});

it('the server dies in an abort: it is taken back to the end, and another move may begin', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id } = await create(stage);
  expect((await run(stage, id, 'prepare')).status).toBe('prepared');
  await stage.api.migrations.run({ app, id, step: 'data' });
  await whenStep(stage, id, 'data.carry');

  await stage.api.migrations.run({ app, id, step: 'abort' });
  await whenStep(stage, id, 'abort.data.open-stores');
  await stage.restartServer();
  expect((await atRest(stage, id)).status).toBe('aborted');
  const { status } = await create(stage);
  expect(status).toBe('preflight-success');
  await westServesAlone(stage, visitors);
});
