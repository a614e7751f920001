import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spawnForTest } from '../../../test/support/spawned.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { databaseEngines } from '../../drivers/registry.ts';
import { record, type TestRegion, testRegion, webScript } from './region.test-support.ts';

const here = (name: string) => JSON.stringify(join(import.meta.dirname, name));

/** An agent of its own process, which applies the record and says so. */
function agent(region: TestRegion, wanted: unknown) {
  const script = `
    import { Apps } from ${here('apps.ts')};
    import { localRuntime } from ${here('../../drivers/runtime/local/runtime.ts')};
    import { dockerProjects } from ${here('../../drivers/runtime/docker/project/runtime.ts')};
    import { databaseEngines } from ${here('../../drivers/registry.ts')};
    import { RouterClient } from ${here('../../router/client.ts')};
    const client = new RouterClient(${JSON.stringify(region.router.config.socketPath)});
    const router = {
      put: (g) => client.put(g), remove: (a) => client.remove(a), upstreams: (a, u) => client.upstreams(a, u),
      metrics: (a) => client.metrics(a), status: async () => ({ gates: (await client.status()).gates.map(({ gate }) => gate) }),
    };
    const apps = new Apps({ dataFolder: ${JSON.stringify(region.data)}, region: 'osc-fr1', domain: 'fr1.test', router,
      runtime: localRuntime, engines: databaseEngines, drainMs: 100,
      containers: dockerProjects('osc-fr1', '/nowhere', databaseEngines, ${JSON.stringify(join(region.data, 'images'))}) });
    await apps.open();
    await apps.apply(${JSON.stringify(wanted)});
    console.log('applied');
    setInterval(() => {}, 1000);`;
  return spawnForTest(process.execPath, ['--input-type=module', '-e', script]);
}

test('an agent killed without a word leaves its app serving, and the next one takes it over', async () => {
  const region = await testRegion();
  const build = await region.build({ 'web.js': webScript });
  const processes = { web: { command: 'node web.js' }, worker: { command: 'sleep 600' } };
  const killed = agent(region, record({ name: 'shop', build, processes }));
  await killed.says(/applied/, 20_000);
  const { pid } = JSON.parse((await region.get('shop')).body);
  await killed.kill('SIGKILL');
  expect(JSON.parse((await region.get('shop')).body).pid).toBe(pid);
  await region.restart();
  const found = await region.apps.processes('shop');
  expect(found.map(({ id, state }) => [id, state])).toEqual([
    ['web.1', 'running'],
    ['worker.1', 'running'],
  ]);
  expect(JSON.parse((await region.get('shop')).body).pid).toBe(pid);
});

test.runIf((await databaseEngines()).length > 0)(
  'an agent killed while it made a database leaves no app, no folder and no server',
  async () => {
    const region = await testRegion(databaseEngines);
    const [engine] = await databaseEngines();
    const database = `${region.data}/apps/shop/databases/db`;
    const killed = agent(region, record({ name: 'shop', addons: [{ name: 'db', engine: engine!.engine }] }));
    await waitFor(() => existsSync(`${database}/instance.json`), { timeout: 20_000, every: 5 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await killed.kill('SIGKILL');
    expect(killed.output()).not.toContain('applied');
    const { order } = JSON.parse(readFileSync(`${region.data}/apps/shop/app.json`, 'utf8')).provisioning[0];
    await region.restart();
    expect(await region.apps.list()).toEqual([]);
    expect(existsSync(`${region.data}/apps/shop`)).toBe(false);
    expect(order.folder).toBe(database); // that nothing of it runs is seen when the tests end
  },
);

test.runIf((await databaseEngines()).some(({ engine }) => engine === 'postgresql'))(
  'a database that is killed comes back by itself',
  async () => {
    const region = await testRegion(databaseEngines);
    const engine = (await databaseEngines()).find((known) => known.engine === 'postgresql');
    await region.apps.apply(record({ name: 'shop', addons: [{ name: 'db', engine: engine!.engine }] }));
    const instance = region.apps.moving.instance('shop', 'db');
    const pidFile = join(instance.folder, 'data', 'postmaster.pid');
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGKILL');
    await waitFor(async () => !(await engine!.running(instance)), { timeout: 20_000, every: 20 });
    await waitFor(() => engine!.running(instance), { timeout: 30_000, every: 100, what: 'the database to run again' });
  },
  60_000,
);
