import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { FollowTicket } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { Clusters, never, Tunnel } from '../testing/clusters.ts';
import { besides, type Client, withClient } from '../wire/connect.ts';

const clusters = new Clusters();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let app: Client;

beforeAll(async () => {
  here = await clusters.provision('here');
  there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  app = await clusters.client(here);
  for (const name of ['one', 'two', 'three', 'four'])
    await app.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, v text); INSERT INTO ${name} SELECT g, md5(g::text) FROM generate_series(1, 20000) g`,
    );
}, 60_000);

afterAll(async () => {
  tunnel?.close();
  await clusters.dispose();
});

const copy = (migration: string, ticket: FollowTicket) => {
  const target = engine.target(there);
  return target.copy(migration, ticket, tunnel, () => {}, never);
};

test('a cut in the middle of the copy leaves neither holes nor duplicates', async () => {
  const migration = randomUUID();
  const source = engine.source(here);
  const { ticket } = await source.open(migration);
  const begin = tunnel.bytes;
  tunnel.onBytes = (total) => {
    if (total - begin > 1_200_000) {
      tunnel.onBytes = () => {};
      tunnel.cut();
    }
  };
  await expect(copy(migration, ticket)).rejects.toMatchObject({ code: 'copy_interrupted', next: 'retry' });
  const half = await clusters.client(there, 'admin');
  const done = Number((await half.query('SELECT count(*) FROM storky.chunk WHERE done')).rows[0].count);
  expect(done).toBeLessThan(4);
  await app.query(`INSERT INTO one VALUES (-1, 'not in the snapshot'); DELETE FROM two WHERE id = 5`);

  expect(await source.open(migration)).toEqual({ ticket, fresh: false });
  await copy(migration, ticket);
  const copied = await half.query(
    'SELECT (SELECT count(*) FROM one) AS one, (SELECT count(*) FROM two) AS two, (SELECT count(*) FROM four) AS four',
  );
  expect(copied.rows[0]).toEqual({ one: '20000', two: '20000', four: '20000' });
  expect(
    (await half.query(`SELECT FROM pg_indexes WHERE indexname ~ '_pkey$' AND schemaname = 'public'`)).rowCount,
  ).toBe(4);
  // Told again, it has nothing to do.
  const before = tunnel.bytes;
  await copy(migration, ticket);
  expect(tunnel.bytes - before).toBeLessThan(20_000);
  await source.close(migration);
});

test('a restart of the source agent needs a new copy before the copy is complete, and none after', async () => {
  const migration = randomUUID();
  const first = engine.source(here);
  const { ticket: lost } = await first.open(migration);
  await first[Symbol.asyncDispose]();
  await expect(copy(migration, lost)).rejects.toMatchObject({ code: 'copy_interrupted', next: 'retry' });

  const second = engine.source(here);
  const { ticket, fresh } = await second.open(migration);
  expect(fresh).toBe(true);
  expect(ticket.id).not.toBe(lost.id);
  await copy(migration, ticket);
  await second[Symbol.asyncDispose]();

  const third = engine.source(here);
  expect(await third.open(migration)).toEqual({ ticket, fresh: false });
  // The structure changed: what was copied is not what is there.
  await app.query('ALTER TABLE four ADD COLUMN more int');
  const changed = await third.open(migration);
  expect(changed.fresh).toBe(true);
  const target = engine.target(there);
  await expect(target.follow(migration, changed.ticket, tunnel, never)).rejects.toMatchObject({
    code: 'copy_interrupted',
  });
  await third.close(migration);
  expect((await (await clusters.client(here, 'admin')).query('SELECT FROM pg_replication_slots')).rowCount).toBe(0);
});

test('transactions that are open while the moment of the copy is taken come once, by the copy or by the stream', async () => {
  const migration = randomUUID();
  await using source = engine.source(here);
  await using target = engine.target(there);
  // Without a key: what came twice would be there twice.
  await app.query('CREATE TABLE numbers (n int)');
  let last = 0;
  let stop = false;
  const writers = Array.from({ length: 6 }, async (_, w) => {
    const client = await clusters.client(here);
    while (!stop) {
      await client.query(`BEGIN; INSERT INTO numbers VALUES (${++last})`);
      await sleep(5 + 7 * w);
      await client.query('COMMIT');
    }
  });
  const { ticket } = await source.open(migration);
  const atTheMoment = last;
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.follow(migration, ticket, tunnel, never);
  stop = true;
  await Promise.all(writers);
  await target.rehearse(migration, tunnel, never);
  const copied = await clusters.client(there, 'admin');
  const { rows } = await copied.query('SELECT count(*)::int AS rows, count(DISTINCT n)::int AS different FROM numbers');
  expect(rows[0]).toEqual({ rows: last, different: last });
  expect(last).toBeGreaterThan(atTheMoment);
  await target.close(migration);
  await source.close(migration);
}, 30_000);

test('two chunks of one table are all of it', async () => {
  const { planChunks } = await import('./plan-copy.ts');
  const admin = await clusters.client(here, 'admin');
  const chunks = await planChunks(admin, 15, 100_000);
  const parts = chunks.filter((chunk) => chunk.copyOut.includes('"one"'));
  expect(parts.length).toBeGreaterThan(5);
  let rows = 0;
  for (const { copyOut } of parts) {
    const select = /\((SELECT .*)\) TO/.exec(copyOut)![1]!;
    rows += Number((await admin.query(`SELECT count(*) FROM (${select}) x`)).rows[0].count);
  }
  expect(rows).toBe(20_001);
});

test('a copy that is not wanted any more does not wait for the index that it builds', async () => {
  // Slow over here alone: the sessions that build indexes have a name.
  await app.query(`
    CREATE FUNCTION slow(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('application_name') = 'storky copy' THEN PERFORM pg_sleep(600); END IF;
      RETURN v;
    END $$;
    CREATE TABLE slowly (v text);
    INSERT INTO slowly VALUES ('one');
    CREATE INDEX slowly_v ON slowly (slow(v));`);
  const migration = randomUUID();
  const source = engine.source(here);
  const { ticket } = await source.open(migration);
  const given = new AbortController();
  const copied = engine.target(there).copy(migration, ticket, tunnel, () => {}, given.signal);
  const outcome = copied.then(
    () => 'copied',
    (error: Error) => error.message,
  );
  // The copy makes the database anew, and ends whoever is in it.
  const building = () =>
    withClient(besides(there), async (admin) => {
      const running = `SELECT FROM pg_stat_activity WHERE query LIKE '%INDEX "slowly_v"%' AND state = 'active' AND pid <> pg_backend_pid()`;
      return (await admin.query(running)).rowCount! > 0;
    });
  const begun = waitFor(building, { timeout: 30_000, what: 'the index to be built' });
  expect(await Promise.race([begun, outcome])).toBe(true);
  given.abort(new Error('it is not wanted any more'));
  expect(await outcome).toBe('it is not wanted any more');
  expect(await building()).toBe(false);
  await app.query('DROP TABLE slowly; DROP FUNCTION slow');
  await source.close(migration);
}, 120_000);
