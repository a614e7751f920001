import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Points } from '../faults/points.ts';
import { grow, sql } from './stage/database.ts';
import { startToDieAt } from './stage/failpoints.ts';
import { atRest, create, run } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { openSmallApp } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

const app = 'shop';
const rows = 60_000;
const addons = 'addons: [{ name: db, engine: postgresql, plan: starter-512 }]\n';
const goesOn = 'a comparison goes on where it was cut short';

/** What the agent has written down. */
const compared = ({ folder }: Region, id: string): { items: number } | undefined =>
  JSON.parse(readFileSync(join(folder, 'migrations', `${id}.target.json`), 'utf8')).stores.db.compared;

it('either agent dies in a comparison: it goes on with the next part, and what is wrong there is found', async () => {
  const stage = await Stage.set();
  await openSmallApp(stage, stage.west, app, addons);
  await grow(stage.west.databaseUrl(app, 'admin'), rows / 1_000);
  const { id } = await create(stage);
  await run(stage, id, 'prepare');

  await stage.east.killAgent();
  await startToDieAt(stage.east, 'target.compared');
  await stage.api.migrations.run({ app, id, step: 'data' });
  expect(await stage.east.agent.ended).toMatchObject({ signal: 'SIGKILL' });
  const { items } = compared(stage.east, id)!;
  expect(items).toBeGreaterThan(0);
  expect(items).toBeLessThan(rows);
  const points = new Points(join(stage.folder, 'points'));
  await stage.east.startAgent(points.env);
  const { status, report } = await atRest(stage, id);
  expect(status).toBe('data-migrated');
  expect(report.stores[0]).toMatchObject({ rowsCompared: rows, differences: 0 });
  expect(said(stage.east, goesOn)).toBe(1);
  expect(compared(stage.east, id)).toBeUndefined();

  // The target stands at its first part while the source dies.
  const point = points.arm('target.compared');
  await stage.api.migrations.run({ app, id, step: 'verify' });
  await point.reached(AbortSignal.timeout(60_000));
  await stage.west.killAgent();
  await spoil(stage.east, rows - 5);
  point.release();
  await stage.west.startAgent();
  const again = await atRest(stage, id);
  expect(said(stage.east, goesOn)).toBe(2);
  const failed = again.steps.findLast((step) => step.id === 'verify.compare')!;
  expect(failed.status).toBe('error');
  expect(JSON.stringify(failed)).toContain(`the row id = ${rows - 5} differs`);
}, 300_000);

const said = ({ agent }: Region, text: string): number => agent.output().split(text).length - 1;

/** One bit of one row, behind everybody's back. */
const spoil = (region: Region, row: number) =>
  sql(
    region.databaseUrl(app, 'admin'),
    'SET session_replication_role = replica',
    `UPDATE catalogue SET text = overlay(text placing chr(ascii(text) # 1) from 1 for 1) WHERE id = ${row}`,
  );
