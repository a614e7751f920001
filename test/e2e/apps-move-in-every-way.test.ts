import { expect, it } from 'vitest';
import { runStorky } from '../support/spawned.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { create, run, through } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { openSmallApp, whoAnswers } from './stage/small-app.ts';
import { Stage } from './stage/stage.ts';

it('without stores, stopped, under a new name, within one region', async () => {
  const stage = await Stage.set();
  const { west, east } = stage;
  const move = async (app: string, to: string, ...more: string[]) => {
    const args = ['move', app, '--from', 'west', '--to', to, '--yes', ...more];
    const { code, output } = await runStorky(args, { env: stage.env });
    expect(code, output).toBe(0);
  };

  await openSmallApp(stage, west, 'bare', 'domains: [{ name: bare.example }]\n');
  await move('bare', 'east');
  expect(await whoAnswers(east, 'bare.example')).toBe('east/bare');
  expect(await whoAnswers(west, 'bare.example')).toBe('east/bare');

  await openSmallApp(stage, west, 'asleep', 'files: [{ name: data, path: data }]\n');
  await stage.api.apps.stop({ app: 'asleep', region: 'west' });
  await move('asleep', 'east');
  expect((await stage.api.apps.get({ app: 'asleep', region: 'east' })).status).toBe('stopped');
  expect(await stage.api.apps.processes({ app: 'asleep', region: 'east' })).toEqual([]);
  await stage.api.apps.start({ app: 'asleep', region: 'east' });
  expect(await whoAnswers(west, 'asleep.west.localhost')).toBe('east/asleep');

  await openSmallApp(stage, west, 'noted', 'domains: [{ name: noted.example }]\nfiles: [{ name: data, path: data }]\n');
  await move('noted', 'east', '--new-name', 'renamed');
  expect(await whoAnswers(east, 'renamed.east.localhost')).toBe('east/renamed');
  expect(await whoAnswers(west, 'noted.west.localhost')).toBe('east/renamed');
  expect(await whoAnswers(west, 'noted.example')).toBe('east/renamed');

  await openSmallApp(
    stage,
    west,
    'old-name',
    'domains: [{ name: same.example }]\nfiles: [{ name: data, path: data }]\n',
  );
  await move('old-name', 'west', '--new-name', 'new-name');
  for (const host of ['same.example', 'old-name.west.localhost', 'new-name.west.localhost'])
    expect(await whoAnswers(west, host)).toBe('west/new-name');
  await stage.api.apps.remove({ app: 'old-name', region: 'west' });
  expect(await whoAnswers(west, 'same.example')).toBe('west/new-name');
});

it('onward to a third region, and back to the first after its removal there: every old gate follows, in no circle', async () => {
  const stage = await Stage.set();
  const { west, east } = stage;
  const [north, visitors] = await Promise.all([stage.addRegion('north'), visitedShop(stage)]);
  const move = async (from: string, to: string) => {
    const { id, status, report } = await create(stage, { from, to });
    expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
    const migration = await through(stage, id, 'prepare', 'data', 'finalize');
    expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('done');
    await areServed(visitors);
    // As long as it could be taken back, the app moves nowhere else.
    await expect(create(stage, { from: to, to: from })).rejects.toMatchObject({ code: 'way_back_open' });
    expect((await run(stage, id, 'complete')).status).toBe('completed');
  };
  const epochIn = async (region: string) => (await stage.api.apps.get({ app: 'shop', region })).epoch;

  await move('west', 'east');
  await move('east', 'north');
  expect([await epochIn('west'), await epochIn('east'), await epochIn('north')]).toEqual([1, 2, 2]);
  expect((await whoAnswers(west, 'shop.localhost')).toString()).toContain('Heron');
  await closeTheLedger(visitors, north);

  // The name is taken where the app was, until what is left there is removed.
  const refused = await create(stage, { from: 'north', to: 'west' });
  expect(refused.status).toBe('preflight-error');
  expect(refused.report.checks.find(({ id }) => id === 'target.name')).toMatchObject({
    verdict: 'fail',
    remedy: expect.stringContaining('remove'),
  });
  const removed = await runStorky(['--region', 'west', '--app', 'shop', 'remove', '--yes'], { env: stage.env });
  expect(removed.code, removed.output).toBe(0);
  const again = await create(stage, { from: 'north', to: 'west' });
  expect(again.status, JSON.stringify(again.report.checks)).toBe('preflight-success');
  const back = await through(stage, again.id, 'prepare', 'data', 'finalize');
  expect(back.status, JSON.stringify(back.steps.at(-1))).toBe('done');
  expect(await epochIn('west')).toBe(3);
  for (const region of [west, east, north])
    expect((await whoAnswers(region, 'shop.localhost')).toString()).toContain('Heron');
  await closeTheLedger(visitors, west);
}, 600_000);
