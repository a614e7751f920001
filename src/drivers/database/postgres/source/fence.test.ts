import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { Clusters, never, soon, Tunnel } from '../testing/clusters.ts';
import type { Client } from '../wire/connect.ts';

const clusters = new Clusters();
const migration = randomUUID();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let source: SourceStore;
let app: Client;
let superuser: Client;

beforeAll(async () => {
  here = await clusters.provision('here');
  there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  superuser = await clusters.client(here, 'admin');
  await superuser.query(`CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'b'; CREATE ROLE nologin_before NOLOGIN`);
  app = await clusters.client(here);
  await app.query(
    'CREATE TABLE t (id bigserial PRIMARY KEY, v int); INSERT INTO t (v) VALUES (1); CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)',
  );
  source = engine.source(here);
  const target = engine.target(there);
  const { ticket } = await source.open(migration);
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.follow(migration, ticket, tunnel, never);
}, 60_000);

afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
  tunnel?.close();
  await clusters.dispose();
});

/** Has it settled yet? */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), sleep(150, true)]);
}

const boss = () => clusters.client({ ...here, user: 'boss', password: 'b' });

test('every write waits, of superusers too, and goes on when the switch backs out', async () => {
  const [root, ddl, counter] = [await boss(), await boss(), await boss()];
  await source.ready(migration);
  await source.fence(soon());
  const writes = [
    app.query('INSERT INTO t (v) VALUES (2)'),
    root.query('UPDATE t SET v = 10 WHERE id = 1'),
    ddl.query('CREATE TABLE made_in_the_freeze (id int PRIMARY KEY)'),
    counter.query(`SELECT nextval('t_id_seq')`),
  ];
  expect(await Promise.all(writes.map(waits))).toEqual([true, true, true, true]);
  expect((await superuser.query('SELECT count(*) FROM t')).rows[0].count).toBe('1');
  await source.mark(migration, 1, soon());
  await source.unfence();
  await Promise.all(writes);
  expect((await app.query('SELECT sum(v) FROM t')).rows[0].sum).toBe('12');
  await ddl.query('DROP TABLE made_in_the_freeze');
});

test('a table, a partition, or a rarer thing made between the check and the freeze stops the switch', async () => {
  for (const [made, undone] of [
    ['CREATE TABLE late (id int PRIMARY KEY)', 'DROP TABLE late'],
    ['CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (2)', 'DROP TABLE part'],
    ['CREATE STATISTICS both_columns ON id, v FROM t', 'DROP STATISTICS both_columns'],
    ['CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)', 'DROP TEXT SEARCH CONFIGURATION words'],
    [
      'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO boss',
      'ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM boss',
    ],
  ] as const) {
    await source.ready(migration);
    await app.query(made);
    await source.fence(soon());
    await expect(source.mark(migration, 2, soon()), made).rejects.toMatchObject({ code: 'schema_changed' });
    await source.unfence();
    // What is only new would join the stream.
    if (!/^CREATE TABLE/.test(made))
      await expect(source.ready(migration)).rejects.toMatchObject({ code: 'schema_changed' });
    await app.query(undone);
  }
  await source.ready(migration);
});

test('a role that got another setting, right or attribute after the copy stops the switch', async () => {
  for (const [changed, undone] of [
    [`ALTER ROLE boss SET work_mem = '9MB'`, 'ALTER ROLE boss RESET work_mem'],
    ['GRANT nologin_before TO boss', 'REVOKE nologin_before FROM boss'],
    ['ALTER ROLE boss CONNECTION LIMIT 7', 'ALTER ROLE boss CONNECTION LIMIT -1'],
  ] as const) {
    await superuser.query(changed);
    await expect(source.ready(migration), changed).rejects.toMatchObject({ code: 'schema_changed' });
    await superuser.query(undone);
    await source.ready(migration);
  }
});

test('a large object, which no stream brings, stops the switch, and waits while the fence is up', async () => {
  await source.ready(migration);
  const { id } = (await app.query('SELECT lo_create(0) AS id')).rows[0];
  await source.fence(soon());
  await expect(source.mark(migration, 4, soon())).rejects.toMatchObject({ code: 'engine_refused' });
  await source.unfence();
  await expect(source.ready(migration)).rejects.toMatchObject({ code: 'engine_refused' });
  expect((await source.check()).find(({ id }) => id === 'large-objects')).toMatchObject({ verdict: 'fail' });
  await app.query('SELECT lo_unlink($1)', [id]);
  await source.ready(migration);
  await source.fence(soon());
  const late = app.query('SELECT lo_unlink(lo_create(0))');
  expect(await waits(late)).toBe(true);
  await source.unfence();
  await late;
});

test('a transaction in the way is backed out of at the deadline, and never ended', async () => {
  const slow = await clusters.client(here);
  await slow.query('BEGIN; UPDATE t SET v = 5 WHERE id = 1');
  const began = performance.now();
  await expect(source.fence(soon(900))).rejects.toMatchObject({ code: 'long_transaction' });
  expect(performance.now() - began).toBeLessThan(1500);
  await source.unfence();
  await slow.query('COMMIT');
  await source.ready(migration);
});

test('a transaction that holds one table and wants another is not made a deadlock', async () => {
  await app.query('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)');
  const slow = await clusters.client(here);
  await slow.query('BEGIN; INSERT INTO b VALUES (1)');
  const fenced = source.fence(soon(5000));
  await sleep(100);
  const both = slow.query('INSERT INTO a VALUES (1)').then(() => slow.query('COMMIT'));
  await Promise.all([fenced, both]);
  await source.unfence();
  await app.query('DROP TABLE a, b');
});

test('what is still under way when the switch backs out does not fence, mark or seal afterwards', async () => {
  const slow = await clusters.client(here);
  await slow.query('BEGIN; UPDATE t SET v = 5 WHERE id = 1');
  const fencing = source.fence(soon()).catch((error) => error.code);
  await sleep(50);
  await source.unfence();
  expect(await fencing).toBe('long_transaction');
  await slow.query('COMMIT');
  await app.query('UPDATE t SET v = 10 WHERE id = 1');
  await source.ready(migration);
  await source.fence(soon());
  void source.mark(migration, 9, soon()).catch(() => {});
  void source.seal().catch(() => {});
  await source.unfence();
  app = await clusters.client(here);
  await app.query('UPDATE t SET v = 10 WHERE id = 1');
});

test('until the switch is decided nobody is shut out, and a switch that backs out ends no session', async () => {
  await source.ready(migration);
  await source.fence(soon());
  await source.mark(migration, 10, soon());
  const newcomer = await clusters.client(here);
  await source.unfence();
  for (const session of [app, newcomer]) await session.query('UPDATE t SET v = 10 WHERE id = 1');
  const sealed = 'SELECT FROM storky.sealed_role';
  expect((await superuser.query(sealed)).rowCount).toBe(0);
});

test('a switch that backs out after the seal ends no session either', async () => {
  await source.ready(migration);
  await source.fence(soon());
  await source.mark(migration, 11, soon());
  await source.seal();
  await expect(clusters.client(here)).rejects.toMatchObject({ code: '28000' });
  await source.unfence();
  await app.query('UPDATE t SET v = 10 WHERE id = 1');
  await clusters.client(here);
});

test('when the agent dies in the freeze, the source serves', async () => {
  await source.ready(migration);
  await source.fence(soon());
  const write = app.query('INSERT INTO t (v) VALUES (3)');
  expect(await waits(write)).toBe(true);
  // What the kernel does to a killed process's sockets.
  await superuser.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^storky (fence|control|watch)'`,
  );
  await write;
  await source.unfence();
  await source.ready(migration);
});

test('when the agent dies right after the seal, no session writes any more, and each one is ended', async () => {
  const line = await Tunnel.to(here);
  const agent = engine.source({ ...here, port: line.port });
  await agent.ready(migration);
  await agent.fence(soon());
  await agent.mark(migration, 12, soon());
  const write = app.query('INSERT INTO t (v) VALUES (12)').catch((error: Error & { code: string }) => error.code);
  await agent.seal();
  // Through the tunnel, the order takes a moment to the server; a killed agent's is with its kernel already.
  const ordered = `SELECT FROM pg_stat_activity WHERE application_name = 'storky fence' AND query ~ 'pg_sleep'`;
  await waitFor(async () => (await superuser.query(ordered)).rowCount! > 0, { every: 5 });
  line.close();
  expect(await write).toBe('57P01');
  expect((await superuser.query('SELECT FROM t WHERE v = 12')).rowCount).toBe(0);
  await agent[Symbol.asyncDispose]();
  await source.unfence();
  app = await clusters.client(here);
});

test('a seal outlives the agent and a crash of the server; unfence gives back exactly what was', async () => {
  await source.ready(migration);
  await source.fence(soon());
  await source.mark(migration, 3, soon());
  const lost = app.query('INSERT INTO t (v) VALUES (4)').catch((error: Error & { code: string }) => error.code);
  await source.seal();
  expect(await lost).toBe('57P01');
  await source[Symbol.asyncDispose]();
  await stopServer(here, 'immediate');
  await engine.start(here);
  await expect(clusters.client(here)).rejects.toMatchObject({ code: '28000' });
  await expect(boss()).rejects.toMatchObject({ code: '28000' });
  // The old side keeps its fence when the migration is closed (invariant 6) …
  source = engine.source(here);
  await source.close(migration);
  await expect(clusters.client(here)).rejects.toMatchObject({ code: '28000' });
  // … until it is asked to serve again, by whichever process.
  await engine.source(here).unfence();
  app = await clusters.client(here);
  await boss();
  superuser = await clusters.client(here, 'admin');
  const roles = await superuser.query(
    `SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname !~ '^pg_' ORDER BY 1`,
  );
  expect(roles.rows.map((row) => row.rolname)).toEqual(['Shop "User"', 'boss', 'storky_admin']);
  expect((await superuser.query(`SELECT FROM pg_namespace WHERE nspname = 'storky'`)).rowCount).toBe(0);
});
