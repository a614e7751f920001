import { cpSync } from 'node:fs';
import { expect, it } from 'vitest';
import { session, sql } from './stage/database.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { atRest, create, run, through, whenStep } from './stage/move.ts';
import { closeTheLedger, openShop, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

it('backup: the source stands still from the copy to the switch, and everything is there afterwards', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id } = await create(stage, { carriers: { db: 'backup', uploads: 'backup' } });
  await through(stage, id, 'prepare');
  await visitors.stop(); // with this carrier they would be turned away
  const migration = await run(stage, id, 'data');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('data-migrated');
  expect(await stage.api.apps.processes({ app: 'shop', region: 'west' })).toEqual([]);
  expect((await fetchShop(stage.west.url)).status).toBe(503);

  const { status, report } = await run(stage, id, 'finalize');
  expect(status).toBe('done');
  expect(report.wayBack).toMatchObject({ open: false, reason: expect.stringContaining('db is carried by backup') });
  await closeTheLedger(visitors, stage.east);
  await expect(sql(stage.west.databaseUrl('shop'), 'SELECT 1')).rejects.toThrow(/not permitted to log in/);
  const later = visit(stage.west);
  await areServed(later);
  await closeTheLedger(later, stage.east);
});

it('backup and live mixed: after a switch that backed out the source stays stopped, so that its backup stays true', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id } = await create(stage, { carriers: { uploads: 'backup' } });
  await through(stage, id, 'prepare');
  await visitors.stop();
  expect((await run(stage, id, 'data')).status).toBe('data-migrated');

  const slow = await session(stage.west.databaseUrl('shop', 'admin'));
  await stage.api.migrations.run({ app: 'shop', id, step: 'finalize', budgetMs: 500 });
  await whenStep(stage, id, 'finalize.check-again');
  await slow.query(`BEGIN; INSERT INTO daily_totals VALUES ('1999-12-31', 0, 0, now())`);
  const backedOut = await atRest(stage, id);
  await slow.query('COMMIT');
  expect(backedOut.report.switches).toMatchObject([{ outcome: 'backed-out' }]);
  expect(backedOut.status).toBe('data-migrated');
  expect(await stage.api.apps.processes({ app: 'shop', region: 'west' })).toEqual([]);

  expect((await run(stage, id, 'finalize', 10_000)).status).toBe('done');
  await closeTheLedger(visitors, stage.east);
});

it('backup: an abort starts the source again', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id } = await create(stage, { carriers: { db: 'backup', uploads: 'backup' } });
  await through(stage, id, 'prepare');
  await visitors.stop();
  await run(stage, id, 'data');
  expect((await run(stage, id, 'abort')).status).toBe('aborted');
  await closeTheLedger(visitors, stage.west);
  const later = visit(stage.west);
  await areServed(later);
  await closeTheLedger(later, stage.west);
});

it('manual and provision: finalize may follow prepare, and is refused while there are data to carry', async () => {
  const stage = await Stage.set();
  await openShop(stage, stage.west);
  const live = await create(stage);
  await through(stage, live.id, 'prepare');
  await expect(stage.api.migrations.run({ app: 'shop', id: live.id, step: 'finalize' })).rejects.toMatchObject({
    code: 'wrong_phase',
    remedy: expect.stringContaining(`migration-run --data ${live.id}`),
  });
  expect((await run(stage, live.id, 'abort')).status).toBe('aborted');

  const { id } = await create(stage, { carriers: { db: 'provision', uploads: 'provision' } });
  const migration = await through(stage, id, 'prepare', 'finalize');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('done');
  const visitors = visit(stage.west);
  await areServed(visitors);
  await closeTheLedger(visitors, stage.east);
  expect(visitors.summary().servedBy).toEqual({ east: expect.any(Number) });
});

it('manual: the user carries the data between data and finalize', async () => {
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const { id } = await create(stage, { carriers: { db: 'manual', uploads: 'manual' } });
  await through(stage, id, 'prepare', 'data');
  await visitors.stop();
  const { west, east } = stage;
  for (const table of ['orders', 'order_events', 'shipments', 'uploads', 'worker_runs']) {
    const rows = await sql(west.databaseUrl('shop'), `SELECT json_agg(t) AS all FROM ${table} t`);
    await sql(
      east.databaseUrl('shop'),
      `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${table}, $$${JSON.stringify(rows[0]!.all ?? [])}$$)`,
    );
  }
  cpSync(west.treeFolder('shop', 'uploads'), east.treeFolder('shop', 'uploads'), { recursive: true });
  const migration = await run(stage, id, 'finalize');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('done');
  await closeTheLedger(visitors, stage.east);
});

const fetchShop = async (url: string) => {
  const { request } = await import('undici');
  const { statusCode, body } = await request(url, { headers: { host: 'shop.localhost' } });
  await body.dump();
  return { status: statusCode };
};
