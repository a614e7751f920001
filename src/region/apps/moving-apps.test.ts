import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import { membersOf, readStat } from '../../drivers/runtime/local/proc.ts';
import { recordParts } from '../../protocol/app-record/record.ts';
import { record, ref, type TestRegion, testRegion, webScript, workerScript } from './region.test-support.ts';

const files = { 'web.js': webScript, 'worker.js': workerScript };
const processes = {
  web: { command: 'node web.js', health: { path: '/health', timeoutSeconds: 5 } },
  worker: { command: 'node worker.js' },
  nightly: { command: 'true', schedule: '0 3 * * *' },
};
const by = { migration: 'm1', peer: 'osc-fr2', epoch: 0 };
const at = () => new Date().toISOString();
const states = async ({ apps }: TestRegion, app: string) =>
  Object.fromEntries((await apps.processes(app)).map(({ id, state }) => [id, state]));

/** What the steps of prepare and data do on the target, from a source in the same place. */
async function targetOf(region: TestRegion, app = 'shop', as = 'shop2') {
  const { moving } = region.apps;
  await moving.createPassive({ name: as }, by);
  for (const part of recordParts) await moving.importPart(as, part, structuredClone(moving.exportPart(app, part)));
  for (const definition of moving.storeDefinitions(app)) await moving.provision(as, definition);
  return moving;
}

async function shop(region: TestRegion) {
  const trees = [{ name: 'uploads', path: 'uploads' }];
  const environment = { SHOWN: ref('app.name') };
  const build = await region.build(files);
  await region.apps.apply(record({ name: 'shop', build, processes, files: trees, environment }));
}

test('the target is a copy of the source that runs nothing until it is told', async () => {
  const region = await testRegion();
  await shop(region);
  const moving = await targetOf(region);
  for (const part of recordParts) expect(moving.digestPart('shop2', part)).toEqual(moving.digestPart('shop', part));
  expect(await region.apps.get('shop2')).toMatchObject({ role: 'passive', gate: 'hold', lockedBy: 'm1' });
  expect(await states(region, 'shop2')).toEqual({});
  expect(readdirSync(moving.treePath('shop2', 'uploads'))).toEqual([]);
});

test('before the switch only web runs, and only the preview host reaches it', async () => {
  const region = await testRegion();
  await shop(region);
  const moving = await targetOf(region);
  const { previewUrl } = await moving.startWeb('shop2');
  expect(previewUrl).toBe('http://preview.shop2.fr1.test');
  expect(await states(region, 'shop2')).toEqual({ 'web.1': 'running' });
  const { status, body } = await region.get('preview.shop2');
  expect([status, JSON.parse(body).env]).toEqual([200, 'shop2']);
  await region.restart();
  expect(await states(region, 'shop2')).toEqual({ 'web.1': 'running' });
  expect((await region.router.client.status()).gates.find(({ gate }) => gate.app === 'shop2')?.gate.state).toBe('hold');
  await region.apps.moving.stopWeb('shop2');
  expect(await states(region, 'shop2')).toEqual({});
});

test('after the switch the target works, and the source runs nothing and forwards', async () => {
  const region = await testRegion();
  await shop(region);
  const moving = await targetOf(region);
  await moving.startWeb('shop2');
  await moving.lock('shop', 'm1');
  await moving.quiesce('shop');
  expect(await states(region, 'shop')).toEqual({ 'web.1': 'running' });
  moving.recordEpoch('shop', { epoch: 1, role: 'passive', migration: 'm1', peer: 'osc-fr2', at: at() });
  moving.recordEpoch('shop2', { epoch: 1, role: 'active', migration: 'm1', peer: 'osc-fr1', at: at() });
  const to = { region: 'osc-fr1', host: '127.0.0.1', port: region.router.ports.ingress, app: 'shop2', epoch: 1 };
  moving.setForward('shop', to);
  await Promise.all([moving.showGate('shop'), moving.showGate('shop2')]);
  await moving.reconcile('shop');
  await moving.startWorkers('shop2');
  await moving.unlock('shop', 'm1');
  await moving.unlock('shop2', 'm1');
  expect(await states(region, 'shop')).toEqual({});
  expect(await states(region, 'shop2')).toEqual({
    'web.1': 'running',
    'worker.1': 'running',
    'nightly.1': 'scheduled',
  });
  expect(await region.apps.get('shop')).toMatchObject({ status: 'moved', role: 'passive', gate: 'forward', epoch: 1 });
  expect(await region.apps.get('shop2')).toMatchObject({ status: 'running', role: 'active', gate: 'serve' });
  expect(JSON.parse((await region.get('shop')).body).env).toBe('shop2');
  await region.restart();
  expect(await states(region, 'shop')).toEqual({});
  expect(JSON.parse((await region.get('shop')).body).env).toBe('shop2');
});

test('quiesce leaves no worker, resume brings them back, and the web processes notice nothing', async () => {
  const region = await testRegion();
  await shop(region);
  const { moving } = region.apps;
  const pid = async (id: string) => (await region.apps.processes('shop')).find((one) => one.id === id)?.pid;
  const [web, worker] = [await pid('web.1'), await pid('worker.1')];
  await moving.quiesce('shop');
  await moving.quiesce('shop');
  expect(membersOf(worker!)).toEqual([]);
  await region.restart();
  expect(await states(region, 'shop')).toEqual({ 'web.1': 'running' });
  await region.apps.moving.resume('shop');
  expect(Object.keys(await states(region, 'shop')).sort()).toEqual(['nightly.1', 'web.1', 'worker.1']);
  expect(await pid('web.1')).toBe(web);
});

test('halt ends everything until unhalt; resume, which ends another wait, starts nothing', async () => {
  const region = await testRegion();
  await shop(region);
  const { moving } = region.apps;
  await moving.halt('shop');
  expect(await states(region, 'shop')).toEqual({});
  await moving.resume('shop');
  expect(await states(region, 'shop')).toEqual({});
  await moving.unhalt('shop');
  await waitFor(async () => (await region.get('shop')).status === 200);
});

test('an agent that comes back leaves a gate alone that holds for a switch', async () => {
  const region = await testRegion();
  await shop(region);
  const limits = { budgetMs: 10_000, maxRequests: 10, maxBytes: 1000 };
  await region.router.client.hold('shop', limits, 1, region.apps.moving.epochFile('shop'));
  await region.restart();
  const { gates } = await region.router.client.status();
  expect(gates.map(({ gate }) => [gate.state, gate.epoch, gate.upstreams.length])).toEqual([['hold', 1, 1]]);
  await region.router.client.serve('shop');
});

test('a migration may not change the side that serves', async () => {
  const region = await testRegion();
  await shop(region);
  const { moving } = region.apps;
  await expect(moving.importPart('shop', 'environment', {})).rejects.toThrow(/is active/);
  await expect(moving.deprovision('shop', 'uploads')).rejects.toThrow(/is active/);
  await expect(moving.createPassive({ name: 'shop' }, by)).rejects.toMatchObject({ code: 'app_exists' });
  expect(existsSync(moving.treePath('shop', 'uploads'))).toBe(true);
});

test('undo leaves nothing of the target, however often it is asked', async () => {
  const region = await testRegion();
  await shop(region);
  const moving = await targetOf(region);
  await moving.startWeb('shop2');
  const pids = (await region.apps.processes('shop2')).map(({ pid }) => pid!);
  await moving.stopWeb('shop2');
  for (let n = 0; n < 2; n++) await moving.deprovision('shop2', 'uploads');
  for (let n = 0; n < 2; n++) for (const part of [...recordParts].reverse()) await moving.clearPart('shop2', part);
  expect(region.apps.document('shop2').record).toEqual(record({ name: 'shop2' }));
  for (let n = 0; n < 2; n++) await moving.removeCompletely('shop2');
  expect(readdirSync(`${region.data}/apps`)).toEqual(['shop']);
  expect(pids.map((pid) => readStat(pid)?.state ?? 'gone')).toEqual(['gone']);
  expect((await region.get('shop')).status).toBe(200); // its archive, which both had, is still there
  expect(readdirSync(`${region.data}/builds`)).toHaveLength(1);
});

test("a command runs in the app's release and environment, and is ended when it takes too long", async () => {
  const region = await testRegion();
  await shop(region);
  const { moving } = region.apps;
  expect(await moving.runOnce('shop', 'echo $SHOWN; ls web.js; exit 3')).toEqual({
    code: 3,
    lines: ['shop', 'web.js'],
  });
  expect(await moving.runOnce('shop', 'echo begun; sleep 60', 200)).toEqual({ code: null, lines: ['begun'] });
  expect(readdirSync(`${region.data}/apps/shop/logs`).filter((name) => name.endsWith('.out'))).toEqual([]);
});
