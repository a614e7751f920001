import { expect, it } from 'vitest';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { Stage } from './stage/stage.ts';
import { westServesAlone } from './stage/who-serves.ts';

it('an agent that is killed and started again leaves apps and requests flowing', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const before = await pids(stage);
  for (let n = 0; n < 2; n++) {
    await stage.west.killAgent();
    await areServed(visitors);
    await stage.west.startAgent();
    await areServed(visitors);
  }
  expect(await pids(stage)).toEqual(before);
  expect(visitors.summary()).toMatchObject({ failed: 0, webSockets: { reconnects: 0, dropped: 0, refused: 0 } });
  await westServesAlone(stage, visitors);
});

const pids = async (stage: Stage) =>
  (await stage.api.apps.processes({ app: 'shop', region: 'west' }))
    .filter(({ type }) => type !== 'totals')
    .map(({ id, pid }) => `${id} ${pid}`)
    .toSorted();
