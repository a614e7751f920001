import { expect, it } from 'vitest';
import { grow } from './stage/database.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { inventoryOf } from './stage/inventory.ts';
import { atRest, create, run, whenStep } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { fillDisk, smallDisk } from './stage/small-disk.ts';
import { Stage } from './stage/stage.ts';

const app = 'shop';

it('what was measured does not fit: the preflight says both numbers, and nothing was begun', async () => {
  const stage = await Stage.set({ region: smallDisk('east', 40) });
  const visitors = await visitedShop(stage);
  await grow(stage.west.databaseUrl(app), 60);
  const { status, report } = await create(stage);
  expect(status).toBe('preflight-error');
  const check = report.checks.find(({ id }) => id === 'target.disk');
  expect(check).toMatchObject({ verdict: 'fail', remedy: expect.stringContaining('Make room on the disk of east') });
  const [, free, needed] = /^([\d.]+) MB free, ([\d.]+) MB needed$/.exec(check!.detail)!.map(Number);
  expect(free).toBeLessThan(60);
  expect(needed).toBeGreaterThan(60 * 1.2);
  expect((await stage.api.apps.list({})).map(({ region }) => region)).toEqual(['west']);
  expect(await stage.api.apps.get({ app, region: 'west' })).toMatchObject({ lockedBy: null });
  await areServed(visitors);
  await closeTheLedger(visitors, stage.west);
});

it('the disk gets full in the middle of the copy: said so, the source is untouched, and abort leaves nothing', async () => {
  const stage = await Stage.set({ region: smallDisk('east', 500) });
  const visitors = await visitedShop(stage);
  await grow(stage.west.databaseUrl(app), 120);
  const before = { west: await inventoryOf(stage.west), east: await inventoryOf(stage.east) };
  const { id, status } = await create(stage);
  expect(status).toBe('preflight-success');
  await run(stage, id, 'prepare');

  await stage.api.migrations.run({ app, id, step: 'data' });
  await whenStep(stage, id, 'data.provision', 'done');
  const others = fillDisk(stage.east.folder, 20);
  const failed = await atRest(stage, id);
  expect({ status: failed.status, phase: failed.failedPhase }).toEqual({ status: 'error', phase: 'data' });
  const step = failed.steps.find((row) => row.status === 'error')!;
  expect(step.logs).toMatch(/east has .* free; .*Free some room on east/s);
  await areServed(visitors);
  expect(visitors.summary().failures).toEqual([]);

  const aborted = await run(stage, id, 'abort');
  expect(aborted.status, JSON.stringify(aborted.steps.at(-1))).toBe('aborted');
  others.free();
  await areServed(visitors);
  await expect.poll(() => inventoryOf(stage.west), { timeout: 5_000 }).toEqual(before.west);
  await expect.poll(() => inventoryOf(stage.east), { timeout: 5_000 }).toEqual(before.east);
  await closeTheLedger(visitors, stage.west);
});
