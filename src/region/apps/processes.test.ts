import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import { readStat } from '../../drivers/runtime/local/proc.ts';
import { record, testRegion, webScript, workerScript } from './region.test-support.ts';

const files = { 'web.js': webScript, 'worker.js': workerScript };
const processes = {
  web: { command: 'node web.js', health: { path: '/health', timeoutSeconds: 5 } },
  worker: { command: 'node worker.js' },
};
const runs = (pid: number | null) => pid !== null && readStat(pid) !== undefined && readStat(pid)!.state !== 'Z';

async function shop(more: Record<string, unknown> = {}) {
  const region = await testRegion();
  const wanted = record({ name: 'shop', build: await region.build(files), processes, ...more });
  const view = await region.apps.apply(wanted);
  const pids = async () => Object.fromEntries((await region.apps.processes('shop')).map(({ id, pid }) => [id, pid]));
  return { ...region, region, wanted, view, pids };
}

test('an applied app serves through the gate of its region', async () => {
  const { region, view } = await shop();
  expect(view).toMatchObject({
    name: 'shop',
    status: 'running',
    url: 'http://shop.fr1.test',
    role: 'active',
    gate: 'serve',
    epoch: 0,
  });
  const { status, body } = await region.get('shop');
  expect(status).toBe(200);
  expect(JSON.parse(body).cwd).toContain('/apps/shop/releases/');
});

test('a process that crashes leaves the gate at once, comes back with growing pauses, and its log says so', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  await region.get('shop', '/crash').catch(() => {});
  await waitFor(
    async () => (await region.apps.processes('shop')).find(({ id }) => id === 'web.1')?.state !== 'running',
  );
  await waitFor(async () => (await region.get('shop')).status === 200);
  const web = (await region.apps.processes('shop')).find(({ id }) => id === 'web.1')!;
  expect(web.restarts).toBe(1);
  expect(web.pid).not.toBe(before['web.1']);
  expect((await pids())['worker.1']).toBe(before['worker.1']);
  const lines = (await region.apps.logs('shop', 100, 'web')).map(({ line }) => line);
  expect(lines).toContain('storky: it ended with exit code 7; started again in 0.2 s');
});

test('a new environment replaces the web processes without one failed request', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  const seen: string[] = [];
  let going = true;
  const load = Promise.all(
    [1, 2, 3].map(async () => {
      while (going) {
        const { status, body } = await region.get('shop', '/slow');
        seen.push(status === 200 ? String(JSON.parse(body).version) : `failed ${status}`);
      }
    }),
  );
  await region.apps.setEnvironment('shop', { VERSION: 'two' }, []);
  await waitFor(() => seen.includes('two'), { what: 'the new version to answer' });
  going = false;
  await load;
  expect(new Set(seen)).toEqual(new Set(['null', 'two']));
  const after = await pids();
  expect(after['web.1']).not.toBe(before['web.1']);
  expect(after['worker.1']).not.toBe(before['worker.1']);
  expect([before['web.1']!, before['worker.1']!].filter(runs)).toEqual([]);
});

test('a change that does not become healthy is taken back, and the old processes go on', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  const sick = { SICK: '1' };
  const quick = { ...processes, web: { ...processes.web, health: { path: '/health', timeoutSeconds: 0.5 } } };
  const current = region.apps.document('shop').record;
  const refused = region.apps.apply(record({ ...current, environment: sick, processes: quick }));
  await expect(refused).rejects.toMatchObject({ code: 'target_unhealthy', fields: { app: 'shop' } });
  expect(await pids()).toEqual(before);
  expect(region.apps.environment('shop')).toEqual({});
  expect((await region.get('shop')).status).toBe(200);
});

test('scaling starts and stops only what it has to', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  await region.apps.scale('shop', 'web', { amount: 3 });
  const three = await pids();
  expect(three).toMatchObject(before);
  const answers = await Promise.all(
    Array.from({ length: 12 }, async () => JSON.parse((await region.get('shop')).body).pid),
  );
  expect(new Set(answers).size).toBe(3);
  await region.apps.scale('shop', 'web', { amount: 1 });
  expect(await pids()).toEqual(before);
  expect([three['web.2']!, three['web.3']!].filter(runs)).toEqual([]);
});

test('stop ends every process and start brings them back', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  expect((await region.apps.stop('shop')).status).toBe('stopped');
  expect(Object.values(before).filter(runs)).toEqual([]);
  expect((await region.get('shop')).status).toBeGreaterThanOrEqual(500);
  expect((await region.apps.start('shop')).status).toBe('running');
  expect((await region.get('shop')).status).toBe(200);
});

test('an agent that comes back finds its processes, and starts none twice', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  await region.restart();
  expect((await region.get('shop')).status).toBe(200);
  const after = Object.fromEntries((await region.apps.processes('shop')).map(({ id, pid }) => [id, pid]));
  expect(after).toEqual(before);
  // Adopted processes are kept alive like any other.
  process.kill(before['web.1']!, 'SIGKILL');
  await waitFor(
    async () => (await region.apps.processes('shop'))[0]!.restarts === 1 && (await region.get('shop')).status === 200,
  );
});

test('a process that died while the agent was away is started again', async () => {
  const { region, pids } = await shop();
  const before = await pids();
  await region.apps.close();
  process.kill(before['web.1']!, 'SIGKILL');
  await waitFor(() => !runs(before['web.1']!));
  await region.restart();
  await waitFor(async () => (await region.get('shop')).status === 200);
  expect((await region.apps.processes('shop')).map(({ pid }) => pid)).not.toContain(before['web.1']);
  expect((await region.apps.processes('shop')).map(({ pid }) => pid)).toContain(before['worker.1']);
});

test('removing an app leaves no process, gate, folder or build', async () => {
  const { region, pids, data } = await shop();
  const before = await pids();
  await region.apps.remove('shop');
  expect(Object.values(before).filter(runs)).toEqual([]);
  expect(await region.router.client.status()).toMatchObject({ gates: [] });
  expect(readdirSync(`${data}/apps`)).toEqual([]);
  expect(readdirSync(`${data}/builds`)).toEqual([]);
  await expect(region.apps.get('shop')).rejects.toMatchObject({ code: 'unknown_app' });
});
