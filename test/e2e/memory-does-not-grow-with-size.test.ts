import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runStorky } from '../support/spawned.ts';
import { sql } from './stage/database.ts';
import type { Region } from './stage/region.ts';
import { openSmallApp } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

const stores = `
addons: [{ name: db, engine: postgresql, plan: starter-512 }]
files: [{ name: data, path: data }]
`;

/** Megabytes of each kind. A wide value is one of 20 MB. */
interface Size {
  rows: number;
  wideValues: number;
  files: number;
  holes: number;
}

it('an agent needs no more memory for ten times the data, and never 200 MB', async () => {
  const stage = await Stage.set();
  const agents = [stage.west, stage.east];
  const small = await peaksOfMove(stage, 'small', { rows: 40, wideValues: 1, files: 20, holes: 30 });
  const large = await peaksOfMove(stage, 'large', { rows: 520, wideValues: 4, files: 200, holes: 300 });
  console.log(
    `peak memory of ${agents.map(({ name }) => name)}: ${small} MB for the small app, ${large} MB for the large one`,
  );
  for (const [n] of agents.entries()) {
    expect(large[n]).toBeLessThan(200);
    expect(large[n]! - small[n]!).toBeLessThan(50);
  }
}, 600_000);

/** Peak resident megabytes of both agents. */
async function peaksOfMove(stage: Stage, app: string, size: Size): Promise<number[]> {
  const { west, east } = stage;
  await openSmallApp(stage, west, app, stores);
  await fillDatabase(west.databaseUrl(app, 'admin'), size);
  fillFiles(west.treeFolder(app, 'data'), size);
  for (const region of [west, east]) writeFileSync(`/proc/${region.agent.pid}/clear_refs`, '5');
  const args = ['move', app, '--from', 'west', '--to', 'east', '--yes'];
  const { code, output } = await runStorky(args, { env: stage.env });
  expect(code, output).toBe(0);
  const [migration] = await stage.api.migrations.list({ app });
  const { rows, wideValues } = size;
  expect(migration!.report.stores.find(({ name }) => name === 'db')!.rowsCompared).toBe(rows * 1_000 + wideValues);
  return [west, east].map(peakMegabytes);
}

async function fillDatabase(url: string, { rows, wideValues }: Size): Promise<void> {
  await sql(
    url,
    'CREATE TABLE filling (id bigint PRIMARY KEY, text text)',
    'ALTER TABLE filling ALTER COLUMN text SET STORAGE EXTERNAL',
    `INSERT INTO filling SELECT n, repeat(md5(n::text), 31) FROM generate_series(1, ${rows * 1_000}) n`,
    `INSERT INTO filling SELECT -n, repeat(md5(n::text), 650000) FROM generate_series(1, ${wideValues}) n`,
  );
}

function fillFiles(folder: string, { files, holes }: Size): void {
  const megabyte = 1_000_000;
  const solid = openSync(join(folder, 'solid'), 'w');
  for (let n = 0; n < files; n++) writeSync(solid, randomBytes(megabyte));
  closeSync(solid);
  const sparse = openSync(join(folder, 'sparse'), 'w');
  writeSync(sparse, 'begin');
  ftruncateSync(sparse, holes * megabyte);
  writeSync(sparse, 'end', holes * megabyte);
  closeSync(sparse);
}

const peakMegabytes = ({ agent }: Region): number =>
  Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))![1]) / 1000);
