import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Migration } from '../../src/protocol/migration.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { gatekeeper } from './stage/gatekeeper.ts';
import { inventoryOf } from './stage/inventory.ts';
import { moodyShop } from './stage/moody-shop.ts';
import { atRest, create, run, through } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const app = 'shop';

it('after preflight, prepare and data: both sides are as they were', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  await leavesNothing(stage, 'preflight-success', async () => {});
  await leavesNothing(stage, 'prepared', ({ id }) => through(stage, id, 'prepare'));
  await leavesNothing(stage, 'data-migrated', ({ id }) => through(stage, id, 'prepare', 'data'));
  await areServed(visitors);
  await closeTheLedger(visitors, stage.west);
});

it('after a data phase that failed, and a finalize that backed out: both sides are as they were', async () => {
  const stage = await Stage.set();
  const shop = moodyShop('east', join(stage.folder, 'mood'));
  const visitors = await visitedShop(stage, shop.change);

  shop.is('ends');
  await leavesNothing(stage, 'error', ({ id }) => through(stage, id, 'prepare', 'data'));
  shop.is('well');
  await leavesNothing(stage, 'data-migrated', async ({ id }) => {
    await through(stage, id, 'prepare', 'data');
    const inTheWay = await gatekeeper(stage.west.databaseUrl(app));
    const { report } = await run(stage, id, 'finalize', 1_000);
    expect(report.switches).toMatchObject([{ outcome: 'backed-out' }]);
    await inTheWay.release();
  });
  await areServed(visitors);
  await closeTheLedger(visitors, stage.west);
});

/** A migration that gets as far as this, and is aborted. */
async function leavesNothing(
  stage: Stage,
  status: Migration['status'],
  goes: (migration: Migration) => Promise<unknown>,
): Promise<void> {
  const before = [await inventoryOf(stage.west), await inventoryOf(stage.east)];
  const migration = await create(stage);
  await goes(migration);
  expect((await atRest(stage, migration.id)).status).toBe(status);
  const aborted = await run(stage, migration.id, 'abort');
  expect(aborted.status, JSON.stringify(aborted.steps.filter((step) => step.status === 'error'))).toBe('aborted');
  expect([await inventoryOf(stage.west), await inventoryOf(stage.east)]).toEqual(before);
}
