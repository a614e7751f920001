import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSigned } from '../../../../../test/e2e/stage/self-signed.ts';
import { ManagedMariaDb, mariadbInstalled } from '../../../../../test/support/managed-mariadb.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { never, Servers } from '../testing/servers.ts';
import { withClient } from '../wire/connect.ts';
import { appOf } from './adopt.ts';

const timeout = 60_000;
const servers = new Servers();
const database = 'for_a_move';
const user = "Shop 'User";
const password = "s3cret ' pass";
let managed: ManagedMariaDb;
const address = () => managed.address().replace(/[^/]*$/, database);
const order = (change: object = {}) => ({
  ...{ app: 'shop', addon: 'db', folder: join(servers.folder, 'taken'), address: address(), user, password },
  ...change,
});

beforeAll(async () => {
  if (!mariadbInstalled) return;
  managed = await ManagedMariaDb.start({ log_bin_trust_function_creators: '0' });
  await managed.encrypt(await selfSigned('localhost'));
  await managed.asProvider(
    `CREATE DATABASE ${database} CHARACTER SET latin1`,
    'GRANT SHOW VIEW ON `for\\_a\\_move`.* TO keeper',
  );
}, timeout);
afterAll(async () => {
  await servers.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it.skipIf(!mariadbInstalled)(
  'what the account may not do is named with the statement that gives it, and then it may',
  async () => {
    expect((await bad()).map(({ id, verdict }) => [id, verdict])).toEqual([
      ['right-accounts', 'fail'],
      ['right-database', 'fail'],
      ['right-definers', 'warn'],
      ['function-creators', 'warn'],
    ]);
    for (const { remedy } of await bad()) await managed.asProvider(/Run: (.*);$/.exec(remedy!)![1]!);
    expect(await bad()).toEqual([]);
    const older = await engine.checkOffer!({ addon: 'db', address: address(), version: '99.1' });
    expect(older.find(({ id }) => id === 'version')).toMatchObject({ verdict: 'fail' });
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'one that is not empty is refused, by the check and by itself',
  async () => {
    await managed.asProvider(`CREATE TABLE ${database}.theirs (id INT)`);
    expect((await bad()).map(({ id, detail }) => [id, detail])).toEqual([['empty', 'the table theirs']]);
    await expect(engine.take!(order())).rejects.toThrow(/not empty: it has the table theirs/);
    await managed.asProvider(`DROP TABLE ${database}.theirs`);
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'an account of that name is not touched: with another password, or without rights',
  async () => {
    await managed.asProvider(`CREATE USER 'Shop ''User' IDENTIFIED BY 'theirs'`);
    const before = await catalog();
    await expect(engine.take!(order())).rejects.toThrow(/the account Shop 'User cannot log in/);
    await managed.asProvider("GRANT SELECT ON `for\\_a\\_move`.* TO 'Shop ''User'");
    const weak = await engine.take!(order({ password: 'theirs' })).catch((error) => error);
    expect(weak.message).toMatch(/is there already, and has not the rights/);
    await managed.asProvider(/Run: (.*);$/.exec(weak.remedy)![1]!);
    const taken = await engine.take!(order({ password: 'theirs' }));
    await engine.giveBack!(taken);
    expect((await catalog()).filter(({ what }) => `${what}`.includes("Shop 'User"))).toHaveLength(2);
    await managed.asProvider(`DROP USER 'Shop ''User'`);
    expect((await catalog()).length).toBe(before.length - 1);
  },
  timeout,
);

it.skipIf(!mariadbInstalled)(
  'is filled from a server that Storky runs, twice, in another name, and given back exactly',
  async () => {
    const before = await catalog();
    const source = await servers.provision('source');
    const app = await servers.client(source);
    const admin = await servers.client(source, 'admin');
    await app.batch(
      'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, value BLOB, other INT)',
      'ALTER TABLE item ADD FOREIGN KEY (other) REFERENCES item (id)',
      'CREATE TABLE counted (n INT)',
      'INSERT INTO counted VALUES (0)',
      'CREATE TRIGGER counting AFTER INSERT ON item FOR EACH ROW UPDATE counted SET n = n + 1',
      "INSERT INTO item (value) VALUES ('a'), (x'00ff0a27'), (NULL)",
      'CREATE VIEW seen AS SELECT COUNT(*) AS items FROM item',
      'CREATE SEQUENCE numbers START WITH 7',
      'CREATE PROCEDURE add_one() INSERT INTO item (value) VALUES (1)',
    );
    await admin.batch(
      "CREATE USER reporter IDENTIFIED BY 'r'",
      'GRANT SELECT ON `shop-db\\_1`.* TO reporter',
      "CREATE DEFINER = reporter@'%' VIEW report AS SELECT COUNT(*) AS items FROM item",
    );
    await using from = engine.source(source);
    const taken = await engine.take!(order());
    expect(await engine.take!(order())).toEqual(taken);
    for (const _ of [1, 2]) await fill(taken, from);
    const rows = await asApp(
      taken,
      'CALL add_one()',
      'SELECT HEX(value) AS v FROM item ORDER BY id',
      'SELECT n FROM counted',
      'SELECT a.items AS a, b.items AS b FROM seen a, report b',
      'SELECT NEXTVAL(numbers) AS n',
      'SELECT @@collation_database AS c',
    );
    expect(rows.slice(-5)).toEqual([
      [{ v: '61' }, { v: '00FF0A27' }, { v: null }, { v: '31' }],
      [{ n: '4' }],
      [{ a: '4', b: '4' }],
      [{ n: '7' }],
      [{ c: 'utf8mb4_general_ci' }],
    ]);
    await engine.giveBack!(taken);
    expect(await catalog()).toEqual(before);
    await engine.giveBack!(taken);

    // What has several databases does not fit into one.
    await admin.query('CREATE DATABASE second');
    const again = await engine.take!(order());
    await expect(fill(again, from)).rejects.toThrow(/it is one database, and the source has 2: second, shop-db_1/);
    await engine.giveBack!(again);
    expect(await catalog()).toEqual(before);
  },
  timeout,
);

async function fill(taken: DatabaseInstance, from: ReturnType<typeof engine.source>): Promise<void> {
  await using target = engine.target(taken);
  await target.restore(await from.backup(), () => {}, never);
  await target.standby();
  await target.activate(1);
  await target.close(crypto.randomUUID());
}

const asApp = (instance: DatabaseInstance, ...statements: string[]) =>
  withClient(appOf(instance), (client) => client.batch(`USE ${database}`, ...statements));

const bad = async () =>
  (await engine.checkOffer!({ addon: 'db', address: address(), version: null })).filter(
    ({ verdict }) => verdict !== 'pass',
  );

const catalog = () =>
  managed.asProvider(`
    SELECT CONCAT('schema ', SCHEMA_NAME, DEFAULT_COLLATION_NAME) AS what FROM information_schema.SCHEMATA
    UNION ALL SELECT CONCAT('table ', TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA <> 'information_schema'
    UNION ALL SELECT CONCAT('routine ', ROUTINE_SCHEMA, '.', ROUTINE_NAME) FROM information_schema.ROUTINES
    UNION ALL SELECT CONCAT('account ', User, Host) FROM mysql.global_priv UNION ALL SELECT CONCAT('right ', User, Db) FROM mysql.db ORDER BY 1`);
