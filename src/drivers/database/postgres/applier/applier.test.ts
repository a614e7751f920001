import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManagedPostgres } from '../../../../../test/support/managed-postgres.ts';
import type { FollowTicket, SourceStore, TargetStore } from '../../../store.ts';
import { engine } from '../engine.ts';
import { Clusters, never, Tunnel } from '../testing/clusters.ts';
import type { Client } from '../wire/connect.ts';

/** One story: a database that Storky runs, followed by one that it does not run. */
const clusters = new Clusters();
const migration = randomUUID();
let managed: ManagedPostgres;
let tunnel: Tunnel;
let source: SourceStore;
let target: TargetStore;
let ticket: FollowTicket;
let app: Client;

beforeAll(async () => {
  managed = await ManagedPostgres.start();
  await managed.asProvider(
    'ALTER ROLE keeper CREATEROLE',
    `ALTER DATABASE ${managed.database} OWNER TO keeper`,
    'GRANT SET ON PARAMETER session_replication_role TO keeper',
  );
  const here = await clusters.provision('here');
  tunnel = await Tunnel.to(here);
  app = await clusters.client(here);
  await app.query(`
    CREATE TYPE mood AS ENUM ('well', 'it''s bad');
    CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, b bytea, n numeric, f float8, j json, jb jsonb, a text[],
      m mood, at timestamptz, i interval, c char(5), ok bool, u uuid, p point, twice numeric GENERATED ALWAYS AS (n * 2) STORED);
    CREATE TABLE large (id int PRIMARY KEY, big text, n int); ALTER TABLE large ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE nokey (big text, j json, p point, ok bool, c char(5)); ALTER TABLE nokey ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE seen (what text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES (TG_OP || NEW.id); RETURN NULL; END';
    CREATE TRIGGER see AFTER INSERT OR UPDATE ON child FOR EACH ROW EXECUTE FUNCTION see();
    CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); INSERT INTO counter SELECT g, 0 FROM generate_series(1, 20) g;
    INSERT INTO large SELECT g, repeat(md5(g::text), 500), 0 FROM generate_series(1, 20) g;
    INSERT INTO nokey SELECT big, '{"a": 1.0}', '(1,2)', n = 0, 'x' FROM large; INSERT INTO nokey SELECT * FROM nokey;
    INSERT INTO parent VALUES (1), (2), (3); INSERT INTO child VALUES (11, 1), (12, 1), (21, 2), (31, 3)`);
  source = engine.source(here);
  const { user, password } = here;
  const order = { app: 'shop', addon: 'db', address: managed.address(), user, password };
  target = engine.target(await engine.take!({ ...order, folder: join(clusters.folder, 'there') }));
  ticket = (await source.open(migration)).ticket;
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, tunnel, never);
}, 120_000);

afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  tunnel?.close();
  await clusters.dispose();
  await managed?.[Symbol.asyncDispose]();
});

async function copiedAnew(): Promise<void> {
  const again = await source.open(migration);
  expect(again.fresh).toBe(true);
  ticket = again.ticket;
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, tunnel, never);
}

const differences = async () => (await target.verify(migration, ticket, tunnel, () => {}, never)).differences;

/** When all that was written has arrived: the rows on both sides. */
async function both(sql: string): Promise<{ there: unknown[]; here: unknown[] }> {
  await target.rehearse(migration, tunnel, never);
  return { there: await managed.inDatabase(sql), here: (await app.query(sql)).rows };
}

test('every kind of value and change arrives as it was, with a key and without', async () => {
  await app.query(`
    INSERT INTO kinds (t, b, n, f, j, jb, a, m, at, i, c, ok, u, p) VALUES
      (E'it''s \\\\ "x"\\n\\t€ 🐘', '\\x00ff27', 'NaN', '-Infinity', '{"b":  1, "b": 2}', '{"a": 1.50}', ARRAY['a,b', NULL, '"', ''], 'it''s bad', 'infinity', '-1 mon 3 days -04:05:06.789', 'ab', true, gen_random_uuid(), '(1.1,-2)'),
      ('', '', 123456789012345678901234567890.123456789, 0.1::float8 + 0.2, 'null', 'null', '{}', NULL, '0044-03-15 12:00:00+00 BC', '0', '', false, NULL, NULL);
    INSERT INTO kinds DEFAULT VALUES;
    UPDATE kinds SET t = 'changed', m = 'well' WHERE id = 2; DELETE FROM kinds WHERE id = 3; UPDATE kinds SET f = 5e-324, ok = NULL WHERE id = 1`);
  await app.query(`UPDATE large SET n = 1; UPDATE large SET id = id + 100 WHERE id = 7;
    UPDATE nokey SET c = 'y', j = '[]' WHERE ctid = (SELECT min(ctid) FROM nokey); DELETE FROM nokey WHERE ctid = (SELECT max(ctid) FROM nokey);
    INSERT INTO nokey DEFAULT VALUES; UPDATE nokey SET ok = true WHERE big IS NULL`);
  await app.query(
    `INSERT INTO parts VALUES (1, '2026-01-02'), (2, '2026-08-01'); UPDATE parts SET at = '2026-09-01' WHERE id = 1`,
  );
  await app.query('CREATE TEMP TABLE mine AS SELECT 1');
  expect(await differences()).toEqual([]);
  const { there, here } = await both('SELECT kinds::text AS row FROM kinds ORDER BY id');
  expect(there).toEqual(here);
  expect(there).toHaveLength(2);
}, 60_000);

test('what a foreign key cascades to, and what a trigger writes, comes once; a table is emptied', async () => {
  await app.query(
    'DELETE FROM parent WHERE id = 1; UPDATE parent SET id = 20 WHERE id = 2; INSERT INTO child VALUES (32, 3)',
  );
  const { there, here } = await both('SELECT what, count(*) FROM seen GROUP BY what ORDER BY 1');
  expect(there).toEqual(here);
  expect(there).toContainEqual({ what: 'INSERT32', count: '1' });
  await app.query('BEGIN; TRUNCATE parent, child; INSERT INTO parent VALUES (7); COMMIT; TRUNCATE seen');
  expect((await both('SELECT id FROM parent')).there).toEqual([{ id: 7 }]);
  expect(await differences()).toEqual([]);
}, 60_000);

test('nothing comes twice, and nothing is forgotten, though link and sessions are cut while much is written', async () => {
  let writing = true;
  const written = (async () => {
    for (let n = 0; writing; n++)
      await app.query(
        `UPDATE counter SET n = n + 1 WHERE id = ${1 + (n % 20)}; INSERT INTO seen SELECT 'n${n}' FROM generate_series(1, ${n % 7 === 0 ? 900 : 1})`,
      );
  })();
  for (let n = 0; n < 8; n++) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (n % 2 === 0) tunnel.cut();
    else
      await managed.asProvider(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'storky applier'",
      );
  }
  await target[Symbol.asyncDispose]();
  await target.follow(migration, ticket, tunnel, never);
  writing = false;
  await written;
  const { there, here } = await both('SELECT id, n FROM counter ORDER BY id');
  expect(there).toEqual(here);
  const seen = await both('SELECT what, count(*) FROM seen GROUP BY what ORDER BY 1');
  expect(seen.there).toEqual(seen.here);
  expect(await differences()).toEqual([]);
  await target.healthy();
}, 120_000);

test('a table that is made meanwhile stops the move until everything is copied anew', async () => {
  await app.query('CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1)');
  expect(await source.open(migration)).toMatchObject({ fresh: false });
  await expect(target.rehearse(migration, tunnel, never)).rejects.toMatchObject({
    code: 'schema_changed',
    message: expect.stringMatching(/public.late is new/),
  });
  await copiedAnew();
  await app.query('INSERT INTO late VALUES (2)');
  expect((await both('SELECT id FROM late ORDER BY id')).there).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await differences()).toEqual([]);
}, 120_000);

test('a database that has gone back to an earlier state is not followed into: everything is copied anew', async () => {
  await both('SELECT');
  const [known] = await managed.inDatabase('SELECT lsn FROM storky.applied');
  await app.query('INSERT INTO late VALUES (3)');
  await both('SELECT');
  await target[Symbol.asyncDispose]();
  const asStream = 'SET session_replication_role = replica';
  await managed.inDatabase(
    asStream,
    'DELETE FROM late WHERE id = 3',
    `UPDATE storky.applied SET lsn = '${known!.lsn}'`,
  );
  await expect(target.follow(migration, ticket, tunnel, never)).rejects.toMatchObject({ code: 'schema_changed' });
  await copiedAnew();
  expect(await differences()).toEqual([]);
}, 60_000);

test('a change that meets no row, or a structure that has changed, stops the stream and is said', async () => {
  await managed.inDatabase('SET session_replication_role = replica', 'DELETE FROM counter WHERE id = 5');
  await app.query('UPDATE counter SET n = 0 WHERE id = 5');
  const said = (what: RegExp) =>
    expect
      .poll(() => target.healthy().catch((error) => `${error.code} ${error.message}`), { timeout: 20_000 })
      .toMatch(what);
  await said(/schema_changed .*a change of public.counter met 0 rows/);
  await managed.inDatabase('SET session_replication_role = replica', 'INSERT INTO counter VALUES (5, -1)');
  await expect.poll(() => target.healthy().catch((error) => error.code), { timeout: 20_000 }).toBeUndefined();
  expect(await differences()).toEqual([]);
  await app.query('ALTER TABLE counter ADD extra int; UPDATE counter SET extra = 1 WHERE id = 1');
  await said(/schema_changed .*extra/);
}, 120_000);
