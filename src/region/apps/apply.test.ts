import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { databaseEngines } from '../../drivers/registry.ts';
import { record, ref, testRegion, webScript } from './region.test-support.ts';

const web = { web: { command: 'node web.js', health: { path: '/health', timeoutSeconds: 5 } } };
const files = { 'web.js': webScript };
const hasPostgres = (await Promise.all((await databaseEngines()).map((engine) => engine.versions()))).flat().length > 0;
if (!hasPostgres && process.env.CI !== 'true') console.warn('SKIPPED: no database engine is installed here');
const withDatabase = test.runIf(hasPostgres || process.env.CI === 'true');

test.each([
  ['an unknown reference', { environment: { A: ref('addons.db.url') } }, /A refers to/],
  ['a schedule that is none', { processes: { job: { command: 'true', schedule: '99 * * * *' } } }, /minute/],
  ['a schedule for web', { processes: { web: { command: 'true', schedule: '* * * * *' } } }, /web runs all the time/],
  ['an archive that is not there', { build: { kind: 'archive', sha256: 'a'.repeat(64), bytes: 1 } }, /not uploaded/],
  ['an image', { build: { kind: 'image', digest: 'sha256:1' } }, /not supported/],
  ['an engine that is not there', { addons: [{ name: 'db', engine: 'oracle' }] }, /cannot run oracle/],
])('%s is refused, and nothing is made', async (_, part, why) => {
  const region = await testRegion();
  await expect(region.apps.apply(record({ name: 'shop', ...part }))).rejects.toThrow(why);
  expect(region.apps.exists('shop')).toBe(false);
  expect(existsSync(`${region.data}/apps/shop`)).toBe(false);
  expect((await region.router.client.status()).gates).toEqual([]);
});

test('a host name leads to one app', async () => {
  const { apps } = await testRegion();
  await apps.apply(record({ name: 'shop', domains: [{ name: 'example.org' }] }));
  await expect(apps.apply(record({ name: 'other', domains: [{ name: 'example.org' }] }))).rejects.toThrow(
    'belongs to shop',
  );
  await expect(apps.apply(record({ name: 'other', domains: [{ name: 'shop.fr1.test' }] }))).rejects.toThrow(
    'belongs to shop',
  );
});

test('a locked app refuses every change, says by which migration, and goes on serving', async () => {
  const region = await testRegion();
  const { apps } = region;
  const wanted = record({ name: 'shop', build: await region.build(files), processes: web });
  await apps.apply(wanted);
  await apps.moving.lock('shop', 'm1');
  const locked = { code: 'app_locked', fields: { app: 'shop', migration: 'm1' } };
  await expect(apps.apply(wanted)).rejects.toMatchObject(locked);
  await expect(apps.setEnvironment('shop', { A: '1' }, [])).rejects.toMatchObject(locked);
  await expect(apps.scale('shop', 'web', { amount: 2 })).rejects.toMatchObject(locked);
  await expect(apps.stop('shop')).rejects.toMatchObject(locked);
  await expect(apps.remove('shop')).rejects.toMatchObject(locked);
  await expect(apps.moving.lock('shop', 'm2')).rejects.toMatchObject(locked);
  expect(await apps.get('shop')).toMatchObject({ status: 'migrating', lockedBy: 'm1' });
  expect((await region.get('shop')).status).toBe(200);
  await apps.moving.unlock('shop', 'm2');
  expect((await apps.get('shop')).lockedBy).toBe('m1');
  await apps.moving.unlock('shop', 'm1');
  await apps.setEnvironment('shop', { A: '1' }, []);
});

test('an update without a new build keeps the one that runs, and a new build replaces the old archive', async () => {
  const region = await testRegion();
  const first = await region.build(files);
  await region.apps.apply(record({ name: 'shop', build: first, processes: web }));
  await region.apps.apply(record({ name: 'shop', processes: web, environment: { SHOWN: 'x' } }));
  expect(JSON.parse((await region.get('shop')).body).env).toBe('x');
  const second = await region.build({ ...files, 'more.txt': 'x' });
  await region.apps.apply(record({ name: 'shop', build: second, processes: web }));
  const has = (build: typeof first) => build?.kind === 'archive' && region.apps.hasBuild(build.sha256);
  expect([has(first), has(second)]).toEqual([false, true]);
});

test('an app that never becomes healthy stays, so that its logs can be read', async () => {
  const region = await testRegion();
  const build = await region.build({ 'web.js': 'console.log("no such database"); process.exit(1)' });
  const applied = region.apps.apply(record({ name: 'shop', build, processes: web }));
  await expect(applied).rejects.toMatchObject({ code: 'target_unhealthy' });
  expect((await region.apps.get('shop')).status).toBe('crashed');
  expect((await region.apps.logs('shop', 10)).map(({ line }) => line)).toContain('no such database');
});

test('file trees cannot go by an apply, and a value can refer to them', async () => {
  const region = await testRegion();
  const build = await region.build(files);
  const trees = [{ name: 'uploads', path: 'public/uploads' }];
  const environment = { SHOWN: `${ref('files.uploads.path')} in ${ref('region.name')}` };
  await region.apps.apply(record({ name: 'shop', build, processes: web, files: trees, environment }));
  expect(JSON.parse((await region.get('shop')).body).env).toBe(`${region.data}/apps/shop/files/uploads in osc-fr1`);
  await expect(region.apps.apply(record({ name: 'shop', processes: web }))).rejects.toThrow(
    /file tree uploads is missing/,
  );
});

withDatabase('an addon is provisioned, the environment follows it, and it survives the agent', async () => {
  const region = await testRegion(databaseEngines);
  const build = await region.build(files);
  const [engine] = await databaseEngines();
  const addons = [{ name: 'db', engine: engine!.engine }];
  const environment = { SHOWN: `${ref('addons.db.host')}:${ref('addons.db.port')} ${ref('addons.db.database')}` };
  const wanted = record({ name: 'shop', build, processes: web, addons, environment });
  await region.apps.apply(wanted);
  const instance = region.apps.moving.instance('shop', 'db');
  expect(instance).toMatchObject({ database: 'shop_db', user: 'shop_db' });
  const shown = `127.0.0.1:${instance.port} shop_db`;
  expect(JSON.parse((await region.get('shop')).body).env).toBe(shown);
  const text = JSON.stringify(await region.apps.list());
  for (const secret of [instance.password, instance.adminPassword]) expect(text).not.toContain(secret);

  await expect(region.apps.apply({ ...wanted, addons: [], environment: {} })).rejects.toThrow(/would delete its data/);
  const unknown = { ...wanted, environment: { A: ref('addons.db.nonsense') } };
  await expect(region.apps.apply(unknown)).rejects.toThrow(/addons.db.nonsense/);

  await engine!.stop(instance);
  await region.restart();
  expect(await engine!.running(instance)).toBe(true);
  await region.apps.remove('shop');
  expect(await engine!.running(instance)).toBe(false);
  expect(existsSync(instance.folder)).toBe(false);
});

withDatabase('a new addon that comes with a change that fails is taken back too', async () => {
  const region = await testRegion(databaseEngines);
  const build = await region.build(files);
  await region.apps.apply(record({ name: 'shop', build, processes: web }));
  const [engine] = await databaseEngines();
  const sick = { web: { ...web.web, health: { path: '/health', timeoutSeconds: 0.3 } } };
  const addons = [{ name: 'db', engine: engine!.engine }];
  const refused = region.apps.apply(record({ name: 'shop', processes: sick, addons, environment: { SICK: '1' } }));
  await expect(refused).rejects.toMatchObject({ code: 'target_unhealthy' });
  const { record: left, instances, provisioning } = region.apps.document('shop');
  expect({ addons: left.addons, instances, provisioning }).toEqual({ addons: [], instances: [], provisioning: [] });
  expect(existsSync(`${region.data}/apps/shop/databases/db`)).toBe(false);
  expect((await region.get('shop')).status).toBe(200);
});
