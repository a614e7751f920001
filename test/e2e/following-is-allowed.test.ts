import { expect, it, onTestFinished } from 'vitest';
import { engine } from '../../src/drivers/database/postgres/engine.ts';
import { runStorky, spawnStorky } from '../support/spawned.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sql } from './stage/database.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { withDatabaseAt } from './stage/managed-shop.ts';
import { create, run } from './stage/move.ts';
import { closeTheLedger, openShop, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

const allowLive = ['--app', 'shop', '--region', 'west', '--yes', '--json', 'allow-live', 'db'];

it('a server whose log was turned down is restarted while requests are held: nobody sees an error, and it can be followed', async () => {
  const stage = await Stage.set();
  await openShop(stage, stage.west);
  await sql(stage.west.databaseUrl('shop', 'admin'), "ALTER SYSTEM SET wal_level = 'replica'");
  await engine.stop(stage.west.document('shop').instances[0] as never);
  await expect.poll(() => walLevel(stage), { timeout: 30_000 }).toBe('replica');
  const visitors = visit(stage.west);
  await areServed(visitors);

  const refused = await create(stage);
  expect(refused.report.stores).toMatchObject([{ name: 'db', carrier: 'backup' }, { name: 'uploads' }]);
  expect(refused.report.checks).toContainEqual(
    expect.objectContaining({
      id: 'engines-ready.db.wal-level',
      verdict: 'warn',
      remedy: expect.stringMatching(/ALTER SYSTEM SET wal_level = logical;.*storky allow-live/),
    }),
  );
  await run(stage, refused.id, 'abort');

  const { code, output, stdout } = await runStorky(allowLive, { env: stage.env });
  expect(code, output).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ restarted: true, heldMs: expect.any(Number) });
  expect(await walLevel(stage)).toBe('logical');
  await areServed(visitors);
  const again = await runStorky(allowLive, { env: stage.env });
  expect(JSON.parse(again.stdout)).toMatchObject({ restarted: false });
  expect((await create(stage)).report.stores).toMatchObject([{ name: 'db', carrier: 'live' }, { name: 'uploads' }]);
  await closeTheLedger(visitors, stage.west);
});

it('of a server that Storky does not run the restart is waited for: requests are held from when it goes away, and served again in time or not', async () => {
  const folder = tempFolder('provider');
  const names = { database: 'managed', user: 'Shop app', password: "app's" };
  const version = (await engine.versions()).at(-1)!;
  const provider = await engine.provision({ ...names, app: 'p', addon: 'p', plan: 'sandbox', version, folder });
  onTestFinished(() => engine.destroy(provider));
  const { port, adminUser, adminPassword } = provider;
  const superuser = `postgres://${adminUser}:${adminPassword}@127.0.0.1:${port}/managed`;
  await sql(superuser, "ALTER SYSTEM SET wal_level = 'replica'", "CREATE ROLE keeper LOGIN PASSWORD 'k'");
  await engine.stop(provider);
  await engine.start(provider);
  const stage = await Stage.set();
  const address = `postgresql://keeper:k@127.0.0.1:${port}/managed`;
  const visitors = await visitedShop(stage, withDatabaseAt({ address, ...names }));

  const late = await runStorky([...allowLive, '--wait', '1s'], { env: stage.env });
  expect(late.output).toMatch(/only its provider can give/);
  await areServed(visitors);

  const early = spawnStorky([...allowLive, '--budget', '2s'], { env: stage.env });
  await watched(superuser);
  await engine.stop(provider);
  expect((await early.ended).code, early.output()).not.toBe(0);
  await engine.start(provider);
  await sql(superuser, 'ALTER SYSTEM RESET wal_level');
  await areServed(visitors);

  const waits = spawnStorky(allowLive, { env: stage.env });
  await watched(superuser);
  await engine.stop(provider);
  await engine.start(provider);
  expect((await waits.ended).code, waits.output()).toBe(0);
  expect(JSON.parse(waits.stdout())).toMatchObject({ restarted: true });
  await areServed(visitors);
  await sql(superuser, 'GRANT "Shop app" TO keeper'); // to look into the tables
  // What was in flight when it went away nobody could hold back; what was confirmed is there.
  await closeTheLedger(visitors, stage.west, { failed: 10_000 });
});

const walLevel = async (stage: Stage) =>
  (await sql(stage.west.databaseUrl('shop', 'admin'), 'SHOW wal_level').catch(() => []))[0]?.wal_level;

/** The agent has its eye on the server. */
const watched = (superuser: string) =>
  expect
    .poll(async () => await sql(superuser, "SELECT FROM pg_stat_activity WHERE application_name = 'storky watch'"), {
      timeout: 30_000,
    })
    .toHaveLength(1);
