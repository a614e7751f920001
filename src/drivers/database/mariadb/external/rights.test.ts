import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManagedMariaDb, mariadbInstalled } from '../../../../../test/support/managed-mariadb.ts';
import { unmanagedTempFolder } from '../../../../../test/support/temp-folder.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';

let managed: ManagedMariaDb;
let folder: ReturnType<typeof unmanagedTempFolder>;
beforeEach(async () => {
  if (!mariadbInstalled) return;
  folder = unmanagedTempFolder('external');
  managed = await ManagedMariaDb.start();
  await managed.inDatabase('CREATE TABLE item (id INT PRIMARY KEY)', 'CREATE SEQUENCE numbers');
  await managed.inDatabase("CREATE DEFINER = 'Shop app'@'%' FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1");
}, 60_000);
afterEach(async () => {
  await managed?.[Symbol.asyncDispose]();
  folder?.remove();
});

it.skipIf(!mariadbInstalled)(
  'an account with no right at all: each missing one is named with the statement that gives it, and then it is there',
  async () => {
    const instance = await adopted();
    const named: string[] = [];
    for (;;) {
      const failing = (await findings(instance)).find(({ verdict }) => verdict === 'fail');
      if (!failing) break;
      named.push(failing.id);
      const statement = /^Run: (.*;)/.exec(failing.remedy!)?.[1];
      expect(statement, JSON.stringify(failing)).toBeDefined();
      await managed.inDatabase(statement!);
      expect((await findings(instance)).find(({ id }) => id === failing.id)).toMatchObject({ verdict: 'pass' });
    }
    expect(named).toEqual([
      'right-stream',
      'right-position',
      'right-see-sessions',
      'right-close',
      'right-database',
      'right-storky',
      'right-routines',
    ]);
    expect(await warnings(instance)).toEqual(['other-accounts', 'durability']);
    await managed.asProvider('GRANT SELECT ON mysql.* TO keeper');
    expect(await warnings(instance)).toEqual(['durability']);
    await managed.inDatabase('ALTER TABLE item ADD size FLOAT');
    expect((await findings(instance)).find(({ id }) => id === 'floats')).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('shop_managed.item.size'),
    });
    await managed.asProvider('GRANT SELECT ON shop_managed.* TO other');
    expect((await findings(instance)).find(({ id }) => id === 'other-accounts')!.detail).toMatch(/along: other@%$/);

    await using source = engine.source(instance);
    const migration = crypto.randomUUID();
    const before = await catalog();
    expect((await source.open(migration)).fresh).toBe(true);
    await source.close(migration);
    expect(await catalog()).toEqual(before);
  },
  60_000,
);

it.skipIf(!mariadbInstalled)(
  'what the log lacks is named, and an event that is on',
  async () => {
    const instance = await adopted();
    await managed.grantAll();
    await managed.inDatabase(
      "CREATE DEFINER = 'Shop app'@'%' EVENT hourly ON SCHEDULE EVERY 1 HOUR DO DELETE FROM item",
      "SET GLOBAL binlog_format = 'MIXED', GLOBAL read_only = ON",
    );
    expect(await failures(instance)).toEqual(['read-only', 'events', 'binlog-format']);
    await expect(engine.following!.allow(instance)).rejects.toThrow(/binlog_format is MIXED/);
    await managed.inDatabase('DROP EVENT hourly', "SET GLOBAL binlog_format = 'ROW', GLOBAL read_only = OFF");
    expect(await failures(instance)).toEqual([]);
    expect(await engine.following!.allow(instance)).toBe('holds');
    await managed.restart({ log_bin: '' });
    expect(await failures(instance)).toEqual(['binary-log']);
    expect(await engine.following!.allow(instance)).toBe('provider');
    const gone = engine.following!.gone(instance, AbortSignal.timeout(30_000));
    const watching = () => managed.asProvider("SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'keeper'");
    await expect.poll(watching, { timeout: 20_000 }).toHaveLength(1);
    await managed.restart({ log_bin: 'binlog' });
    await gone;
    expect(await engine.following!.allow(instance)).toBe('holds');
  },
  60_000,
);

it.skipIf(!mariadbInstalled)(
  'without a right to close it, a backup is there all the same, and the seal says so and goes on',
  async () => {
    await managed.asProvider(
      'GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON `shop\\_managed`.* TO keeper',
      'GRANT SELECT ON mysql.proc TO keeper',
    );
    await using source = engine.source(await adopted());
    const dump = await text(await source.backup());
    expect(dump).toMatch(/CREATE TABLE `item`/);
    expect(dump).toMatch(/FUNCTION `one`/);
    const before = await catalog();
    await source.seal();
    await source.unfence();
    await source.close(crypto.randomUUID());
    expect(await catalog()).toEqual(before);
    await managed.asProvider('GRANT CREATE USER ON *.* TO keeper', 'GRANT ALL PRIVILEGES ON storky.* TO keeper');
    await source.seal();
    await expect(adopted()).rejects.toThrow(/locked/);
    await source.unfence();
    await adopted();
  },
  60_000,
);

it.skipIf(!mariadbInstalled)(
  'the app as its own administrator, a wrong password, and an address that is none are refused without the secret',
  async () => {
    const { user, password } = managed.app;
    await expect(adopted({ address: managed.appUrl })).rejects.toMatchObject({ code: 'engine_refused' });
    await expect(adopted({ password: 'guessed' })).rejects.toThrow(/the account Shop app cannot log in/);
    await expect(adopted({ address: 'postgresql://root:hidden@db/shop' })).rejects.toThrow(/mysql:\/\/ADMIN/);
    await expect(adopted({ address: `${managed.address()}?flags=-X` })).rejects.toThrow(/flags is not known/);
    await expect(adopted({ address: managed.address().replace(/[^/]*$/, 'none') })).rejects.toThrow(/no database none/);
    for (const wrong of [{ address: 'mysql://root:hidden@/shop' }, { password: 'hidden' }, { address: 'hidden' }])
      expect(await adopted({ user, password, ...wrong }).catch((error) => JSON.stringify(error))).not.toMatch(/hidden/);
  },
  60_000,
);

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

const verdicts = async (instance: DatabaseInstance, wanted: string) =>
  (await findings(instance)).filter(({ verdict }) => verdict === wanted).map(({ id }) => id);
const failures = (instance: DatabaseInstance) => verdicts(instance, 'fail');
const warnings = (instance: DatabaseInstance) => verdicts(instance, 'warn');

const catalog = () =>
  managed.inDatabase(`
    SELECT CONCAT('schema ', SCHEMA_NAME) AS what FROM information_schema.SCHEMATA
    UNION ALL SELECT CONCAT('table ', TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA <> 'information_schema'
    UNION ALL SELECT CONCAT('account ', User, Host, Priv) FROM mysql.global_priv UNION ALL SELECT CONCAT('right ', User, Db) FROM mysql.db ORDER BY 1`);
