import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManagedPostgres } from '../../../../../test/support/managed-postgres.ts';
import { unmanagedTempFolder } from '../../../../../test/support/temp-folder.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';

let managed: ManagedPostgres;
let folder: ReturnType<typeof unmanagedTempFolder>;
beforeEach(async () => {
  folder = unmanagedTempFolder('external');
  managed = await ManagedPostgres.start();
  await managed.inDatabase('SET ROLE "Shop app"', 'CREATE TABLE item (id int PRIMARY KEY)', 'CREATE SEQUENCE numbers');
});
afterEach(async () => {
  await managed[Symbol.asyncDispose]();
  folder.remove();
});

it('an account with no right at all: each missing one is named with the statement that gives it, and then it is there', async () => {
  const instance = await adopted();
  for (;;) {
    const failing = (await findings(instance)).find(({ verdict }) => verdict === 'fail');
    if (!failing) break;
    const statement = /^Run: (.*;)/.exec(failing.remedy!)?.[1];
    expect(statement, JSON.stringify(failing)).toBeDefined();
    await managed.inDatabase(statement!);
    expect((await findings(instance)).find(({ id }) => id === failing.id)).toMatchObject({ verdict: 'pass' });
  }
  expect((await findings(instance)).filter(({ verdict }) => verdict === 'warn').map(({ id }) => id)).toEqual([
    'right-see-sessions',
    'right-hold-ddl',
  ]);
  await using source = engine.source(instance);
  const migration = crypto.randomUUID();
  const before = await catalog();
  expect((await source.open(migration)).fresh).toBe(true);
  await source.close(migration);
  expect(await catalog()).toEqual(before);
});

it('before anything is granted, these are missing', async () => {
  const missing = (await findings(await adopted())).filter(({ verdict }) => verdict === 'fail');
  expect(Object.fromEntries(missing.map(({ id, remedy }) => [id, remedy]))).toEqual({
    'right-replication': 'Run: ALTER ROLE "keeper" REPLICATION; -- as a superuser',
    'right-create': 'Run: GRANT CREATE ON DATABASE "shop_managed" TO "keeper";',
    'right-tables': 'Run: GRANT "Shop app" TO "keeper";',
    'right-close': 'Run: GRANT "Shop app" TO "keeper";',
    'right-end-sessions': 'Run: GRANT pg_signal_backend TO "keeper";',
  });
});

it('the app as its own administrator, a wrong password, and an address that is none are refused without the secret', async () => {
  const { user, password } = managed.app;
  await expect(adopted({ address: managed.appUrl })).rejects.toMatchObject({ code: 'engine_refused' });
  await expect(adopted({ password: 'guessed' })).rejects.toThrow(/the account Shop app cannot log in/);
  await expect(adopted({ address: 'mysql://root:hidden@db/shop' })).rejects.toThrow(/postgresql:\/\/ADMIN/);
  await expect(adopted({ address: `${managed.address()}?options=-cx` })).rejects.toThrow(/options is not known/);
  for (const wrong of [{ address: 'mysql://root:hidden@db/shop' }, { password: 'hidden' }, { address: 'hidden' }])
    expect(await adopted({ user, password, ...wrong }).catch((error) => JSON.stringify(error))).not.toMatch(/hidden/);
});

const adopted = (change: object = {}): Promise<DatabaseInstance> =>
  engine.adopt!({
    app: 'shop',
    addon: 'db',
    address: managed.address(),
    ...managed.app,
    folder: folder.path,
    ...change,
  });

async function findings(instance: DatabaseInstance) {
  await using source = engine.source(instance);
  return await source.check();
}

const catalog = () =>
  managed.inDatabase(`
    SELECT 'class ' || relname AS what FROM pg_class WHERE oid >= 16384 UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
    UNION ALL SELECT 'role ' || rolname || rolcanlogin FROM pg_roles UNION ALL SELECT 'publication ' || pubname FROM pg_publication
    UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'database ' || datname || ' ' || coalesce(datacl::text, '') FROM pg_database ORDER BY 1`);
