import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SourceStore } from '../../../store.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { installed, never, Servers, soon } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';

const servers = new Servers();
const migration = randomUUID();
let here: DatabaseInstance;
let tunnel: Tunnel;
let source: SourceStore;
let app: Client;
let admin: Client;

const boss = () => servers.client(here, ['boss', 'b']);

/** Has it settled yet? */
const waits = (promise: Promise<unknown>) => Promise.race([promise.then(() => false), sleep(150, true)]);

describe.skipIf(!installed)('the fence', () => {
  beforeAll(async () => {
    here = await servers.provision('here');
    const there = await servers.provision('there');
    tunnel = await Tunnel.to(here);
    admin = await servers.client(here, 'admin');
    await admin.batch(
      `CREATE USER boss IDENTIFIED BY 'b'`,
      'GRANT ALL PRIVILEGES ON *.* TO boss WITH GRANT OPTION',
      'CREATE USER locked_before ACCOUNT LOCK',
    );
    app = await servers.client(here);
    await app.batch('CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT)', 'INSERT INTO t (v) VALUES (1)');
    source = engine.source(here);
    const target = engine.target(there);
    const { ticket } = await source.open(migration);
    await target.copy(migration, ticket, tunnel, () => {}, never);
    await target.follow(migration, ticket, tunnel, never);
  }, 60_000);
  beforeEach(() => source.ready(migration));
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]();
    tunnel?.close();
    await servers.dispose();
  });

  test('every write waits, of accounts that may do anything too, and goes on when the switch backs out', async () => {
    const [root, ddl, event] = [await boss(), await boss(), await boss()];
    await source.fence(soon());
    const writes = [
      app.query('INSERT INTO t (v) VALUES (2)'),
      root.query('UPDATE t SET v = 10 WHERE id = 1'),
      ddl.query('CREATE TABLE made_in_the_freeze (id INT PRIMARY KEY)'),
      event.query('TRUNCATE TABLE t2_never_there').catch(() => {}),
    ];
    expect(await Promise.all(writes.slice(0, 3).map(waits))).toEqual([true, true, true]);
    expect(await admin.value('SELECT COUNT(*) FROM t')).toBe('1');
    await source.mark(migration, 1, soon());
    await source.unfence();
    await Promise.all(writes);
    expect(await app.value('SELECT SUM(v) FROM t')).toBe('12');
    await ddl.query('DROP TABLE made_in_the_freeze');
  });

  test('a table made between the check and the freeze stops the switch', async () => {
    await app.query('CREATE TABLE late (id INT PRIMARY KEY)');
    await source.fence(soon());
    await expect(source.mark(migration, 2, soon())).rejects.toMatchObject({ code: 'schema_changed' });
    await source.unfence();
    await expect(source.ready(migration)).rejects.toMatchObject({ code: 'schema_changed' });
    await app.query('DROP TABLE late');
  });

  test('a transaction in the way is backed out of at the deadline, and never ended', async () => {
    const slow = await servers.client(here);
    await slow.batch('BEGIN', 'UPDATE t SET v = 5 WHERE id = 1');
    const began = performance.now();
    await expect(source.fence(soon(900))).rejects.toMatchObject({ code: 'long_transaction' });
    expect(performance.now() - began).toBeLessThan(1500);
    await app.query('INSERT INTO t (v) VALUES (0)');
    await source.unfence();
    await slow.query('COMMIT');
  });

  test('a transaction that holds one table and wants another is not made a deadlock', async () => {
    await app.batch('CREATE TABLE a (id INT PRIMARY KEY)', 'CREATE TABLE b (id INT PRIMARY KEY)');
    const slow = await servers.client(here);
    await slow.batch('BEGIN', 'INSERT INTO b VALUES (1)');
    const fenced = source.fence(soon(5000));
    await sleep(100);
    await slow.batch('INSERT INTO a VALUES (1)', 'COMMIT');
    await fenced;
    await source.unfence();
    await app.query('DROP TABLE a, b');
  });

  test('a prepared transaction could be committed at any time: no switch', async () => {
    const coordinator = await servers.client(here);
    await coordinator.batch(`XA START 'order'`, 'INSERT INTO t (v) VALUES (0)', `XA END 'order'`, `XA PREPARE 'order'`);
    await expect(source.ready(migration)).rejects.toMatchObject({ code: 'long_transaction' });
    expect((await source.check()).find(({ id }) => id === 'prepared-transactions')).toMatchObject({ verdict: 'warn' });
    await coordinator.query(`XA ROLLBACK 'order'`);
  });

  test('settings by which the log would not hold every row as it is are refused beforehand, with the remedy', async () => {
    const verdicts = async () =>
      Object.fromEntries((await source.check()).map(({ id, verdict, remedy }) => [id, remedy ? verdict : 'pass']));
    const right = await verdicts();
    expect(right).toMatchObject({ 'binlog-format': 'pass', 'binlog-row-image': 'pass', durability: 'pass' });
    await admin.batch(
      `SET GLOBAL binlog_format = 'MIXED'`,
      `SET GLOBAL binlog_row_image = 'MINIMAL'`,
      'SET GLOBAL sync_binlog = 0',
    );
    await app.query('CREATE TABLE other (i INT) ENGINE = Aria');
    const refused = {
      'binlog-format': 'fail',
      'binlog-row-image': 'fail',
      durability: 'warn',
      'storage-engines': 'fail',
    };
    expect(await verdicts()).toEqual({ ...right, ...refused, keys: 'warn' });
    await app.query('DROP TABLE other');
    await admin.batch(
      `SET GLOBAL binlog_format = 'ROW'`,
      `SET GLOBAL binlog_row_image = 'FULL'`,
      'SET GLOBAL sync_binlog = 1',
    );
    expect(await verdicts()).toEqual(right);
  });

  test('what is still under way when the switch backs out does not fence, mark or seal afterwards', async () => {
    const slow = await servers.client(here);
    await slow.batch('BEGIN', 'UPDATE t SET v = 5 WHERE id = 1');
    const fencing = source.fence(soon()).catch((error) => error.code);
    await sleep(50);
    await source.unfence();
    expect(await fencing).toBe('long_transaction');
    await slow.query('COMMIT');
    await source.ready(migration);
    await source.fence(soon());
    void source.mark(migration, 9, soon()).catch(() => {});
    void source.seal().catch(() => {});
    await source.unfence();
    app = await servers.client(here);
    await app.query('UPDATE t SET v = 10 WHERE id = 1');
  });

  test('when the agent dies in the freeze, the source serves', async () => {
    await source.fence(soon());
    const write = app.query('INSERT INTO t (v) VALUES (3)');
    expect(await waits(write)).toBe(true);
    // What the kernel does to a killed process's sockets.
    const { threadId } = admin;
    const ours = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = 'storky_admin' AND ID <> ${threadId}`;
    for (const { id } of await admin.query(ours)) await admin.query(`KILL HARD CONNECTION ${id}`).catch(() => {});
    await write;
    await source.unfence();
  });

  test('a seal outlives the agent and a crash of the server; unfence gives back exactly what was', async () => {
    const accounts = () =>
      admin.query(`SELECT User, Host, Priv FROM mysql.global_priv WHERE User NOT LIKE 'storky%' ORDER BY 1, 2`);
    const before = await accounts();
    await source.fence(soon());
    await source.mark(migration, 3, soon());
    const lost = app.query('INSERT INTO t (v) VALUES (4)').catch((error: Error) => error.message);
    await source.seal();
    expect(await lost).toMatch(/killed|closed|reset|gone/i);
    await source[Symbol.asyncDispose]();
    await stopServer(here, 'kill');
    await engine.start(here);
    await expect(servers.client(here)).rejects.toMatchObject({ errno: 4151 });
    await expect(boss()).rejects.toMatchObject({ errno: 4151 });
    admin = await servers.client(here, 'admin');
    expect(await admin.value('SELECT CONCAT(@@read_only, @@event_scheduler)')).toBe('ONOFF');
    // The old side keeps its fence when the migration is closed (invariant 6) …
    source = engine.source(here);
    await source.close(migration);
    await expect(servers.client(here)).rejects.toMatchObject({ errno: 4151 });
    // … until it is asked to serve again, by whichever process.
    await engine.source(here).unfence();
    app = await servers.client(here);
    await app.query('INSERT INTO t (v) VALUES (5)');
    expect(await accounts()).toEqual(before);
    expect(await admin.value('SELECT CONCAT(@@read_only, @@event_scheduler)')).toBe('OFFON');
    expect(await admin.query(`SHOW DATABASES LIKE 'storky'`)).toEqual([]);
    // Nothing left for the hook that runs before each test.
    const there = await source.open(migration);
    expect(there.fresh).toBe(true);
  });
});
