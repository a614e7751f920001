import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { sql } from './stage/database.ts';
import { areServed, followedShop, gateOf } from './stage/followed-shop.ts';
import { run } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger } from './stage/shop.ts';

it('a column is seen before the switch, copied anew, and moved; a new table comes along; a TRUNCATE is simply followed', async () => {
  const { stage, visitors, id } = await followedShop();
  const ask = (region: Region, ...statements: string[]) => sql(region.databaseUrl('shop', 'admin'), ...statements);

  await ask(stage.west, `INSERT INTO daily_totals VALUES ('1999-12-31', 1, 1, now())`);
  const there = () => ask(stage.east, 'SELECT FROM daily_totals');
  await waitFor(async () => (await there()).length > 0, { timeout: 30_000, what: 'the row to arrive' });
  await ask(stage.west, 'TRUNCATE daily_totals');
  await waitFor(async () => (await there()).length === 0, { timeout: 30_000, what: 'the TRUNCATE to arrive' });

  // Every order that is placed from here on carries the column.
  await ask(stage.west, `ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT 'with milk'`);
  await areServed(visitors);
  await refusesToSwitch();
  await copiesAnew();
  expect(await ask(stage.east, `SELECT FROM orders WHERE note = 'with milk' LIMIT 1`)).toHaveLength(1);

  // No stream brings this one by itself.
  await ask(stage.west, 'CREATE TABLE notes (id int PRIMARY KEY)', 'INSERT INTO notes VALUES (1)');
  const { status, steps } = await run(stage, id, 'finalize', 10_000);
  expect(status, JSON.stringify(steps.at(-1))).toBe('done');
  expect(await ask(stage.east, 'SELECT id FROM notes')).toEqual([{ id: 1 }]);
  await areServed(visitors);
  await closeTheLedger(visitors, stage.east);

  async function refusesToSwitch(): Promise<void> {
    const { status, report, steps } = await run(stage, id, 'finalize');
    expect(status, JSON.stringify(steps.at(-1))).toBe('data-migrated');
    expect(report.switches).toEqual([]);
    const [failed] = steps.filter((step) => step.status === 'error');
    expect(failed).toMatchObject({ id: 'finalize.check-again' });
    expect(failed!.logs).toMatch(/The schema of .* was changed .*migration-run --data/s);
    expect(await gateOf(stage.west)).toMatchObject({ state: 'serve' });
    await areServed(visitors);
    expect(visitors.summary().failures).toEqual([]);
  }

  async function copiesAnew(): Promise<void> {
    const { status, steps, report } = await run(stage, id, 'data');
    expect(status, JSON.stringify([steps.findLast((step) => step.status === 'error'), report.stores])).toBe(
      'data-migrated',
    );
  }
});
