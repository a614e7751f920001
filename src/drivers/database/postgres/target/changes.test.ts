import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FollowTicket, SourceStore, TargetStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { dropSlots } from '../source/slot.ts';
import { Clusters, never, Tunnel } from '../testing/clusters.ts';
import type { Client } from '../wire/connect.ts';

const clusters = new Clusters();
const migration = randomUUID();
let here: DatabaseInstance;
let tunnel: Tunnel;
let source: SourceStore;
let target: TargetStore;
let ticket: FollowTicket;
let app: Client;
let copy: Client;

beforeAll(async () => {
  here = await clusters.provision('here');
  const there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  app = await clusters.client(here);
  await app.query(`
    CREATE TABLE large (id int PRIMARY KEY, big text, n int); ALTER TABLE large ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE large_nokey (big text, n int); ALTER TABLE large_nokey ALTER big SET STORAGE EXTERNAL;
    INSERT INTO large SELECT g, repeat(md5(g::text), 500), 0 FROM generate_series(1, 20) g; INSERT INTO large_nokey SELECT big, n FROM large;
    CREATE TABLE equal (a int, b text); INSERT INTO equal SELECT g % 10, 'same' FROM generate_series(1, 100) g;
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE seen (what text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (TG_OP || NEW.id); RETURN NULL; END';
    CREATE TRIGGER see AFTER INSERT OR UPDATE ON child FOR EACH ROW EXECUTE FUNCTION see();
    INSERT INTO parent VALUES (1), (2), (3); INSERT INTO child VALUES (11, 1), (12, 1), (21, 2), (31, 3)`);
  source = engine.source(here);
  target = engine.target(there);
  ticket = (await source.open(migration)).ticket;
  await target.copy(migration, ticket, tunnel, () => {}, never);
  await target.follow(migration, ticket, tunnel, never);
  await target.standby();
  copy = await clusters.client(there, 'admin');
}, 60_000);

afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  tunnel?.close();
  await clusters.dispose();
});

/** When all that was written has arrived: the rows on both sides, in one order. */
async function both(sql: string): Promise<{ there: unknown[]; here: unknown[] }> {
  await target.rehearse(migration, tunnel, never);
  const rows = async (client: Client) => (await client.query(`${sql} ORDER BY 1, 2`)).rows;
  return { there: await rows(copy), here: await rows(app) };
}

test('a large value that an UPDATE leaves alone is still there, with a key and without', async () => {
  await app.query('UPDATE large SET n = 1; UPDATE large SET id = id + 100 WHERE id = 7; UPDATE large_nokey SET n = 2');
  for (const table of ['large', 'large_nokey']) {
    const { there, here } = await both(`SELECT md5(big), n, length(big) AS length FROM ${table}`);
    expect(there).toEqual(here);
    expect(there).toHaveLength(20);
    expect(there[0]).toMatchObject({ length: 16_000 });
  }
});

test('of equal rows without a key, as many are changed and deleted as were', async () => {
  await app.query(`DELETE FROM equal WHERE ctid = (SELECT min(ctid) FROM equal WHERE a = 1);
    UPDATE equal SET b = 'other' WHERE ctid = (SELECT min(ctid) FROM equal WHERE a = 2)`);
  const { there, here } = await both('SELECT a, b, count(*) FROM equal GROUP BY a, b');
  expect(there).toEqual(here);
  expect(there).toContainEqual({ a: 1, b: 'same', count: '9' });
  expect(there).toContainEqual({ a: 2, b: 'other', count: '1' });
});

test('what a foreign key cascades to, and what a trigger writes, comes once', async () => {
  await app.query(
    'DELETE FROM parent WHERE id = 1; UPDATE parent SET id = 20 WHERE id = 2; INSERT INTO child VALUES (32, 3)',
  );
  const children = await both('SELECT id, parent FROM child');
  expect(children.there).toEqual(children.here);
  expect(children.there).toEqual([
    { id: 21, parent: 20 },
    { id: 31, parent: 3 },
    { id: 32, parent: 3 },
  ]);
  const { there, here } = await both('SELECT what, count(*) FROM seen GROUP BY what');
  expect(there).toEqual(here);
  expect(there).toContainEqual({ what: 'INSERT32', count: '1' });
});

test('a transaction that began before the stream was cut, and commits after others and after the cut, is whole', async () => {
  const early = await clusters.client(here);
  await early.query(`BEGIN; INSERT INTO equal VALUES (1000, 'before the cut')`);
  await app.query(`INSERT INTO equal VALUES (1000, 'committed first')`);
  await target.rehearse(migration, tunnel, never);
  tunnel.cut();
  await app.query(`INSERT INTO equal VALUES (1000, 'after the cut')`);
  await target.rehearse(migration, tunnel, never);
  await early.query(`INSERT INTO equal VALUES (1000, 'at last'); COMMIT`);
  const { there } = await both('SELECT b, count(*) FROM equal WHERE a = 1000 GROUP BY b');
  const all = ['after the cut', 'at last', 'before the cut', 'committed first'];
  expect(there).toEqual(all.map((b) => ({ b, count: '1' })));
});

test('a slot that is gone on the source is said, and the stream is never begun anew in the middle', async () => {
  await dropSlots(await clusters.client(here, 'admin'), 'storky_');
  await app.query(`INSERT INTO equal VALUES (2000, 'would be missing')`);
  await expect(target.healthy()).rejects.toMatchObject({ code: 'not_in_sync', message: expect.stringMatching(/gone/) });
  const again = await source.open(migration);
  expect(again.fresh).toBe(true);
  const follow = target.follow(migration, again.ticket, tunnel, never);
  await expect(follow).rejects.toMatchObject({ code: 'copy_interrupted' });
}, 30_000);
