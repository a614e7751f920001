import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { grow, sql } from './stage/database.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { fragileLinkTo } from './stage/fragile-link.ts';
import { atRest, create, run } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const app = 'shop';

it('in the middle of the copy, and while following: it goes on by itself, and nothing comes twice', async () => {
  const { region, link } = await fragileLinkTo('west');
  const stage = await Stage.set({ region });
  const visitors = await visitedShop(stage);
  await grow(stage.west.databaseUrl(app), 120);
  const { id, status, report } = await create(stage);
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  expect((await run(stage, id, 'prepare')).status).toBe('prepared');

  await stage.api.migrations.run({ app, id, step: 'data' });
  const before = link.passed;
  await waitFor(() => link.passed > before + 20e6, { timeout: 60_000, every: 2, what: '20 MB of the copy' });
  link.cut();
  expect(await database()).toMatchObject({ stage: 'copying' });
  await waits();
  await areServed(visitors);
  link.restore();
  const { status: after, steps } = await atRest(stage, id);
  expect(after, JSON.stringify(steps.at(-1))).toBe('data-migrated');
  expect(await database()).toMatchObject({ stage: 'in-sync', differences: 0 });

  link.cut();
  await areServed(visitors, 200);
  link.restore();
  expect(visitors.summary().failures).toEqual([]);
  await followsAgain();
  const done = await run(stage, id, 'finalize');
  expect(done.status, JSON.stringify(done.steps.at(-1))).toBe('done');
  await areServed(visitors);
  await closeTheLedger(visitors, stage.east);

  async function database() {
    return (await stage.api.migrations.show({ app, id })).report.stores.find(({ name }) => name === 'db');
  }

  async function waits(): Promise<void> {
    await waitFor(async () => (await database())?.detail.includes('It goes on by itself'), {
      timeout: 60_000,
      what: 'the store to say that it waits',
    });
  }

  /** Asked of the two databases themselves: every order of now is there. */
  async function followsAgain(): Promise<void> {
    const [last] = await sql<{ id: string }>(
      stage.west.databaseUrl(app, 'admin'),
      'SELECT id FROM orders ORDER BY placed_at DESC LIMIT 1',
    );
    const arrived = `SELECT FROM orders WHERE id = '${last!.id}'`;
    await waitFor(async () => (await sql(stage.east.databaseUrl(app, 'admin'), arrived)).length === 1, {
      timeout: 60_000,
      what: 'the last order to arrive',
    });
  }
});
