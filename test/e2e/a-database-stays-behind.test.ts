import { expect, it } from 'vitest';
import { runStorky } from '../support/spawned.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { create, run, through } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const carriers = { db: 'remote' as const };

it('remote: the database stays and the files move; back, there again, and for good: nothing lost, nobody sees an error', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id, status, report } = await create(stage, { carriers });
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  expect(report.checks.find((check) => check.id === 'used-remotely')).toMatchObject({
    verdict: 'warn',
    detail: expect.stringMatching(/db stays in west: from east every query takes [\d.]+ ms more/),
  });
  const followed = await through(stage, id, 'prepare', 'data');
  expect(followed.status, JSON.stringify(followed.steps.at(-1))).toBe('data-migrated');
  expect(followed.report.stores.find(({ name }) => name === 'db')).toMatchObject({ carrier: 'remote', stage: 'stays' });

  for (const [step, ends] of [
    ['finalize', 'done'],
    ['rollback', 'rolled-back'],
    ['finalize', 'done'],
  ] as const) {
    const { status, steps, report } = await run(stage, id, step);
    expect(status, JSON.stringify(steps.findLast((row) => row.status === 'error'))).toBe(ends);
    expect(report.wayBack).toMatchObject({ open: true });
    await areServed(visitors, 60);
    expect(visitors.summary().failures).toEqual([]);
  }
  expect((await run(stage, id, 'complete')).status).toBe('completed');
  await areServed(visitors, 60);

  const [here, there] = await Promise.all(
    ['west', 'east'].map((region) => stage.api.apps.get({ app: 'shop', region })),
  );
  expect(there).toMatchObject({ role: 'active', remote: [{ addon: 'db', region: 'west', app: 'shop' }], lent: [] });
  expect(here).toMatchObject({ role: 'passive', remote: [], lent: [{ addon: 'db', region: 'east', app: 'shop' }] });
  expect(await says('--region', 'east', '--app', 'shop', 'app')).toMatch(/Used from afar: +db of shop in west/);
  expect(await says('--region', 'west', '--app', 'shop', 'app')).toMatch(/Lent: +db to shop in east/);
  await expect(stage.api.apps.remove({ app: 'shop', region: 'west' })).rejects.toMatchObject({ code: 'addon_lent' });
  const summary = await closeTheLedger(visitors, { database: stage.west, files: stage.east });
  expect(summary.servedBy.east).toBeGreaterThan(0);

  expect(await says('--region', 'east', '--app', 'shop', 'remove', '--yes')).toContain(
    'shop is deleted in east with all data in uploads. This cannot be taken back. db stays in west.',
  );
  expect(await stage.api.apps.get({ app: 'shop', region: 'west' })).toMatchObject({ lent: [] });
  await stage.api.apps.remove({ app: 'shop', region: 'west' });

  async function says(...words: string[]): Promise<string> {
    return (await runStorky(words, { env: stage.env })).output;
  }
});
