import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Pair } from '../testing/pair.ts';
import type { Client } from '../wire/connect.ts';

const schema = `
  CREATE TABLE events (day date NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, what text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
  CREATE INDEX ON events (what);
  CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
  INSERT INTO events (day, what) SELECT '2026-01-01', 'before ' || g FROM generate_series(1, 100) g`;

const partition = (n: number) =>
  `CREATE TABLE events_${n} PARTITION OF events FOR VALUES FROM ('2026-01-0${n}') TO ('2026-01-0${n + 1}')`;

let pair: Pair;
let admin: Client;
beforeEach(async () => {
  pair = new Pair();
  await pair.begin(schema);
  admin = await pair.client(pair.copy.instance, 'admin');
}, 60_000);
afterEach(() => pair.dispose(), 60_000);

/** As the agents do: asked until a switch may begin; `look` is what the carrying does meanwhile. */
async function becomesReady(): Promise<void> {
  for (let n = 0; ; n++) {
    await Promise.all([pair.copy.target.healthy(), pair.copy.target.healthy()]); // a job looks, and so may a check
    try {
      await pair.serving.source.ready(pair.stream.id);
      await pair.copy.target.rehearse(pair.stream.id, pair.serving.tunnel, AbortSignal.timeout(20_000));
      return;
    } catch (error) {
      if ((error as { code: string }).code !== 'not_in_sync' || n > 100) throw error;
      await sleep(100);
    }
  }
}

const count = async (client: Client, from: string) =>
  Number((await client.query(`SELECT count(*) FROM ${from}`)).rows[0].count);

test('a partition and a table that are made while it is followed come along, without a new copy, while they are written to', async () => {
  const stop = new AbortController();
  let written = 0;
  await pair.app.query(partition(2));
  await pair.app.query(`CREATE TABLE "Odd ""name" (a int, b serial, parent int REFERENCES parent); CREATE INDEX ON "Odd ""name" (a);
    INSERT INTO "Odd ""name" (a, parent) SELECT g, 1 FROM generate_series(1, 50) g`);
  const writing = (async () => {
    const own = await pair.client(pair.serving.instance);
    while (!stop.signal.aborted) {
      await own.query(
        `INSERT INTO events (day, what) VALUES ('2026-01-02', 'new ${++written}'), ('2026-01-01', 'old')`,
      );
      await own.query(`INSERT INTO "Odd ""name" (a, parent) VALUES (${written}, 1)`);
      if (written % 7 === 0) await own.query(`UPDATE "Odd ""name" SET a = -a WHERE a = ${written}`);
      if (written % 9 === 0) await own.query(`DELETE FROM events WHERE what = 'new ${written - 1}'`);
      await sleep(2);
    }
  })();
  await becomesReady().catch(async (error) => {
    stop.abort();
    await writing;
    throw error;
  });
  await sleep(300);
  stop.abort();
  await writing;
  expect(written).toBeGreaterThan(20);
  await becomesReady();
  for (const table of ['events', '"Odd ""name"']) expect(await count(admin, table)).toBe(await count(pair.app, table));
  expect(await pair.differences()).toEqual([]);
  // What was not copied with the rest is in the switch as well: nobody writes to it here, its counter goes on over there.
  await expect(
    (await pair.client(pair.copy.instance)).query(`INSERT INTO events_2 VALUES ('2026-01-02', DEFAULT, 'x')`),
  ).rejects.toThrow(/not active yet/);
  await pair.prepareWayBack();
  await pair.switchOver();
  await pair.app.query(`INSERT INTO "Odd ""name" (a) VALUES (0); INSERT INTO events (day) VALUES ('2026-01-02')`);
  const { rows } = await pair.app.query(`SELECT count(*) = max(b) AS on_count FROM "Odd ""name"`);
  expect(rows[0].on_count).toBe(true);
  await pair.beginWayBack();
  await pair.follow();
  await pair.caughtUp();
  expect(await pair.differences()).toEqual([]);
}, 120_000);

test('anything more than a new table is a change of structure, which is copied anew', async () => {
  await pair.app.query(`${partition(3)}; ALTER TABLE parent ADD COLUMN more int`);
  await expect(pair.serving.source.ready(pair.stream.id)).rejects.toMatchObject({ code: 'schema_changed' });
  expect((await pair.serving.source.open(pair.stream.id)).fresh).toBe(true);
});

test('where a new table cannot be made, it is said, and everything is copied anew', async () => {
  const owner = await pair.client(pair.serving.instance, 'admin');
  await admin.query('CREATE TABLE public.in_the_way (); ALTER TABLE public.in_the_way RENAME TO "events_4_pkey"');
  await owner.query(partition(4));
  await expect(pair.serving.source.ready(pair.stream.id)).rejects.toMatchObject({ code: 'not_in_sync' });
  await expect(pair.copy.target.healthy()).rejects.toMatchObject({ code: 'schema_changed' });
  expect((await pair.serving.source.open(pair.stream.id)).fresh).toBe(true);
});

test('an end in the middle of it leaves no slot on the source', async () => {
  const owner = await pair.client(pair.serving.instance, 'admin');
  await owner.query(`${partition(5)}; INSERT INTO events (day, what)
    SELECT '2026-01-05', md5(g::text) || md5(g::text) FROM generate_series(1, 150000) g`);
  await expect(pair.serving.source.ready(pair.stream.id)).rejects.toMatchObject({ code: 'not_in_sync' });
  // The link is cut for good in the middle of what the server copies by itself.
  const { tunnel } = pair.serving;
  const before = tunnel.bytes;
  tunnel.onBytes = (bytes) => bytes > before + 4e6 && tunnel.close();
  const healthy = pair.copy.target.healthy();
  healthy.catch(() => {});
  await expect.poll(() => tunnel.bytes, { timeout: 20_000 }).toBeGreaterThan(before + 4e6);
  expect(await slots()).toContainEqual(expect.stringMatching(/^pg_\d+_sync_/));
  await pair.serving.source.close(pair.stream.id);
  expect(await slots()).toEqual([]);

  async function slots(): Promise<string[]> {
    return (await owner.query('SELECT slot_name FROM pg_replication_slots')).rows.map(({ slot_name }) => slot_name);
  }
}, 60_000);
