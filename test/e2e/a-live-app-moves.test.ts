import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { create, through } from './stage/move.ts';
import { closeTheLedger, openShop, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

it('a live app moves under load: nothing lost, nobody sees an error, the old gate forwards', async () => {
  const stage = await Stage.set();
  await openShop(stage, stage.west);
  const visitors = visit(stage.west, 100);
  await sleep(2_000);
  const { id, status, report } = await create(stage);
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  const migration = await through(stage, id, 'prepare', 'data', 'finalize');
  expect(migration.status).toBe('done');
  await sleep(2_000);
  const summary = await closeTheLedger(visitors, stage.east);

  const [done] = migration.report.switches;
  expect(done).toMatchObject({ outcome: 'switched', refused: 0 });
  expect(done!.freezeMs).toBeLessThan(migration.budgetMs);
  expect(summary.servedBy.east).toBeGreaterThan(0);
  expect(summary.webSockets).toMatchObject({ refused: 0, dropped: 0 });
  const [there, here] = await Promise.all(
    ['east', 'west'].map((region) => stage.api.apps.get({ app: 'shop', region })),
  );
  expect(there).toMatchObject({ role: 'active', gate: 'serve', lockedBy: null, epoch: 1 });
  expect(here).toMatchObject({ role: 'passive', gate: 'forward', lockedBy: id, epoch: 1 });
});
