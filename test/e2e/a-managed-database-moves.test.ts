import { spawnSync } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { ManagedPostgres } from '../support/managed-postgres.ts';
import { runStorky } from '../support/spawned.ts';
import { sql } from './stage/database.ts';
import { areServed, visitedShop } from './stage/followed-shop.ts';
import { withDatabaseAt } from './stage/managed-shop.ts';
import { create, run, show, through } from './stage/move.ts';
import { closeTheLedger, openShop, visit } from './stage/shop.ts';
import { Stage } from './stage/stage.ts';

it('a database that Storky does not run moves live into one that it runs: nothing lost, nobody sees an error', async () => {
  const managed = await provider();
  await managed.grantAll();
  const stage = await Stage.set();
  const visitors = await visitedShop(stage, withDatabaseAt({ address: managed.address(), ...managed.app }));
  const storky = typed(stage);
  const id = /migration-run --prepare\s+(\S+)/.exec(await storky('migration-create', '--to', 'east'))![1]!;
  await storky('migration-run', '--prepare', id);
  await storky('migration-run', '--data', id);
  await areServed(visitors);
  const end = await storky('migration-run', '--finalize', id);
  expect(end).toMatch(/db: Storky does not run it/);
  await areServed(visitors);
  const { report } = await show(stage, id);
  expect(report.switches).toMatchObject([{ outcome: 'switched', refused: 0 }]);
  expect(report.wayBack).toMatchObject({ open: false, reason: expect.stringContaining('Storky does not run it') });
  await closeTheLedger(visitors, stage.east);

  // Closed to everybody but the administrator, and nothing of the stream is left; the other customer notices nothing.
  await expect(sql(managed.appUrl, 'SELECT 1')).rejects.toThrow(/permission denied for database/);
  expect(
    await managed.inDatabase(
      'SELECT slot_name AS left FROM pg_replication_slots UNION SELECT pubname FROM pg_publication',
    ),
  ).toEqual([]);
  expect(await managed.asProvider("SELECT rolcanlogin FROM pg_roles WHERE rolname IN ('other', 'Shop app')")).toEqual([
    { rolcanlogin: true },
    { rolcanlogin: true },
  ]);
  expect(
    filesWith(stage.folder, managed.admin.password).filter(
      (path) => !/apps\/shop\/app.json$|shop\/address$/.test(path),
    ),
  ).toEqual([]);
});

it('abort leaves nothing in a database that Storky does not run, and never stops it', async () => {
  const managed = await provider();
  await managed.grantAll();
  const stage = await Stage.set();
  const visitors = await visitedShop(stage, withDatabaseAt({ address: managed.address(), ...managed.app }));
  const before = await catalog(managed);
  const { id } = await create(stage);
  const moved = await through(stage, id, 'prepare', 'data');
  expect(moved.status, JSON.stringify(moved.steps.at(-1))).toBe('data-migrated');
  expect(await catalog(managed)).not.toEqual(before);
  expect((await run(stage, id, 'abort')).status).toBe('aborted');
  expect(await catalog(managed)).toEqual(before);
  await areServed(visitors);
  await stage.west.restartAgent();
  await areServed(visitors);

  // Its provider gives the administrator another password: the manifest is applied once more.
  managed.admin.password = 'renewed';
  await managed.asProvider("ALTER ROLE keeper PASSWORD 'renewed'");
  await openShop(stage, stage.west, withDatabaseAt({ address: managed.address(), ...managed.app }));
  const again = await create(stage);
  expect(again.status, JSON.stringify(again.report.checks)).toBe('preflight-success');
  expect((await run(stage, again.id, 'abort')).status).toBe('aborted');
  await closeTheLedger(visitors, stage.west);
  const removed = await runStorky(['--region', 'west', '--app', 'shop', '--yes', 'remove'], { env: stage.env });
  expect(removed.output).toMatch(/db stays/);
  expect(await sql(managed.appUrl, 'SELECT count(*)::int > 0 AS there FROM orders')).toEqual([{ there: true }]);
});

it('a database that Storky does not run is filled by a move, from another one: an abort gives it back, and the move brings everything', async () => {
  const [old, fresh] = [await provider(), await provider()];
  await old.grantAll();
  await makeEmpty(fresh);
  const stage = await Stage.set();
  const visitors = await visitedShop(stage, withDatabaseAt({ address: old.address(), ...old.app }));
  const before = [await catalog(old), await catalog(fresh)];
  const storky = typed(stage, { FRESH: fresh.address() });
  const created = async () => {
    const output = await storky('migration-create', '--to', 'east', '--addon', 'db=env:FRESH');
    expect(output.replaceAll(/\s+/g, ' ')).toMatch(
      /not carried live: missing: it may apply a stream, as a replica does/,
    );
    return /migration-run --prepare\s+(\S+)/.exec(output)![1]!;
  };
  await visitors.stop(); // with a backup they would be turned away

  const first = await created();
  await storky('migration-run', '--prepare', first);
  await storky('migration-run', '--data', first);
  expect((await show(stage, first)).report.stores).toMatchObject([
    { name: 'db', carrier: 'backup' },
    { carrier: 'live' },
  ]);
  expect(await fresh.inDatabase('SELECT count(*)::int > 0 AS there FROM orders')).toEqual([{ there: true }]);
  await storky('migration-abort', first);
  expect([await catalog(old), await catalog(fresh)]).toEqual(before);

  const second = await created();
  for (const phase of ['--prepare', '--data', '--finalize']) await storky('migration-run', phase, second);
  await closeTheLedger(visitors, stage.east);
  const later = visit(stage.west);
  await areServed(later);
  await closeTheLedger(later, stage.east);
  await expect(sql(old.appUrl, 'SELECT 1')).rejects.toThrow(/permission denied for database/);
  expect(await fresh.inDatabase("SELECT FROM pg_namespace WHERE nspname = 'storky'")).toEqual([]);
  expect(filesWith(`${stage.folder}/east/offers`, 'keeper')).toEqual([]);
  expect(filesWith(`${stage.folder}/server`, encodeURIComponent(fresh.admin.password))).toEqual([]);
});

it('a database that Storky does not run follows live, and the app is switched to it: nothing lost, nobody sees an error', async () => {
  const fresh = await provider();
  await makeEmpty(fresh);
  await fresh.asProvider('GRANT SET ON PARAMETER session_replication_role TO keeper');
  const stage = await Stage.set();
  const visitors = await visitedShop(stage);
  const storky = typed(stage, { FRESH: fresh.address() });
  const created = async () => {
    const output = await storky('migration-create', '--to', 'east', '--addon', 'db=env:FRESH');
    return /migration-run --prepare\s+(\S+)/.exec(output)![1]!;
  };
  const before = await catalog(fresh);
  const first = await created();
  await storky('migration-run', '--prepare', first);
  await storky('migration-run', '--data', first);
  await storky('migration-abort', first);
  expect(await catalog(fresh)).toEqual(before);

  const second = await created();
  await storky('migration-run', '--prepare', second);
  await storky('migration-run', '--data', second);
  expect((await show(stage, second)).report.stores).toMatchObject([
    { name: 'db', carrier: 'live', differences: 0 },
    { carrier: 'live' },
  ]);
  // What follows dies, and goes on where it was.
  await stage.east.killAgent();
  await areServed(visitors);
  await stage.east.startAgent();
  await storky('migration-verify', second);
  expect(await storky('migration-run', '--finalize', second)).toMatch(
    /db: it goes into a database that Storky does not/,
  );
  await areServed(visitors);
  const { report } = await show(stage, second);
  expect(report.switches).toMatchObject([{ outcome: 'switched', refused: 0 }]);
  await closeTheLedger(visitors, stage.east);
  expect(await fresh.inDatabase("SELECT FROM pg_namespace WHERE nspname = 'storky'")).toEqual([]);
});

/** A database for a move to fill. */
const makeEmpty = (managed: ManagedPostgres) =>
  managed.asProvider(
    'ALTER ROLE keeper CREATEROLE',
    'DROP DATABASE shop_managed',
    'CREATE DATABASE shop_managed OWNER keeper',
    'DROP ROLE "Shop app"',
  );

async function provider(): Promise<ManagedPostgres> {
  const managed = await ManagedPostgres.start();
  onTestFinished(() => managed[Symbol.asyncDispose]());
  return managed;
}

/** Everything that has a name, with the rights. */
const catalog = async (managed: ManagedPostgres) =>
  await managed.inDatabase(`
    SELECT concat_ws(' ', 'relation', relname, relkind, relreplident, relacl) AS what FROM pg_class WHERE oid >= 16384 AND relname !~ '^pg_toast'
    UNION ALL SELECT concat_ws(' ', 'schema', nspname, a.grantee::regrole, a.privilege_type) FROM pg_namespace CROSS JOIN aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a WHERE nspname !~ '^pg_t'
    UNION ALL SELECT concat_ws(' ', 'role', rolname, rolcanlogin, rolreplication) FROM pg_roles
    UNION ALL SELECT concat_ws(' ', 'publication', pubname) FROM pg_publication UNION ALL SELECT concat_ws(' ', 'slot', slot_name) FROM pg_replication_slots
    UNION ALL SELECT concat_ws(' ', 'function', proname) FROM pg_proc WHERE oid >= 16384 UNION ALL SELECT concat_ws(' ', 'trigger', tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'database', datname, datconnlimit, a.grantee::regrole, a.privilege_type) FROM pg_database CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) a ORDER BY 1`);

/** Logs, the server's state, documents: wherever it stands in clear. */
function filesWith(folder: string, secret: string): string[] {
  // What runs makes and removes files meanwhile, which grep would tell by its exit code.
  const { stdout } = spawnSync('grep', ['-rlsaF', secret, folder], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

/** What somebody types about the shop in west. */
function typed(stage: Stage, more: Record<string, string> = {}) {
  return async (...args: string[]) => {
    const env = { ...stage.env, ...more };
    const { code, output } = await runStorky(['--app', 'shop', '--region', 'west', '--yes', ...args], { env });
    expect(code, output).toBe(0);
    return output;
  };
}
