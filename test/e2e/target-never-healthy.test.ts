import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Migration } from '../../src/protocol/migration.ts';
import { areServed, gateOf, visitedShop } from './stage/followed-shop.ts';
import { moodyShop } from './stage/moody-shop.ts';
import { create, run, through } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

it('the app ends, or answers 500, in the target alone: said so, nothing switched, and moved once it is mended', async () => {
  const stage = await Stage.set();
  const shop = moodyShop('east', join(stage.folder, 'mood'));
  shop.is('ends');
  const visitors = await visitedShop(stage, shop.change);
  const { id } = await create(stage);

  fails(await through(stage, id, 'prepare', 'data'), /3|ended/);
  shop.is('sick');
  fails(await run(stage, id, 'data'), /\/health answered 500/);
  expect(await gateOf(stage.west)).toMatchObject({ state: 'serve' });
  await areServed(visitors);
  expect(visitors.summary().failures).toEqual([]);

  shop.is('well');
  const { status, steps } = await through(stage, id, 'data', 'finalize');
  expect(status, JSON.stringify(steps.at(-1))).toBe('done');
  await areServed(visitors);
  await closeTheLedger(visitors, stage.east);
});

function fails({ status, failedPhase, steps }: Migration, why: RegExp): void {
  expect({ status, failedPhase }).toEqual({ status: 'error', failedPhase: 'data' });
  const [failed] = steps.filter((step) => step.status === 'error');
  expect(failed).toMatchObject({ id: 'data.start-web' });
  expect(failed!.logs).toMatch(
    /shop did not become healthy in east within \d+ s: .*storky --region east --app shop logs/s,
  );
  expect(failed!.logs).toMatch(why);
}
