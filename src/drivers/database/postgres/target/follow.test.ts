import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FollowTicket, SourceStore, TargetStore } from '../../../store.ts';
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
let target: TargetStore;
let ticket: FollowTicket;
let app: Client;
let copy: Client;

beforeAll(async () => {
  here = await clusters.provision('here');
  there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  app = await clusters.client(here);
  await app.query(`CREATE TABLE t (id bigserial PRIMARY KEY, v text, n int); INSERT INTO t (v, n) SELECT md5(g::text), 0 FROM generate_series(1, 50000) g;
    CREATE TABLE nokey (v text, n int); INSERT INTO nokey SELECT md5(g::text), g % 3 FROM generate_series(1, 2000) g;
    CREATE TABLE two (a text, b int, v text, PRIMARY KEY (a, b)); INSERT INTO two SELECT md5((g % 7)::text), g, 'x' FROM generate_series(1, 30000) g; ANALYZE`);
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

const verify = () => target.verify(migration, ticket, tunnel, () => {}, never);

test('no false alarm while everything is being written', async () => {
  let stop = false;
  const writers = Array.from({ length: 3 }, async (_, n) => {
    const client = await clusters.client(here);
    for (let i = 0; !stop; i++) {
      await client.query('UPDATE t SET n = n + 1 WHERE id = $1', [1 + ((i * 7919 + n) % 50_000)]);
      await client.query(`UPDATE t SET n = n + 1 WHERE id = 1`);
      await client.query(`INSERT INTO two VALUES ($1, $2, 'new') ON CONFLICT DO NOTHING`, [`w${n}`, i]);
      await client.query(`DELETE FROM two WHERE a = $1 AND b = $2`, [`w${n}`, i - 5]);
      await client.query('UPDATE nokey SET n = n + 1 WHERE v = $1', [`c4ca4238a0b923820dcc509a6f75849b`]);
      await sleep(2);
    }
  });
  for (let n = 0; n < 3; n++) expect((await verify()).differences).toEqual([]);
  stop = true;
  await Promise.all(writers);
  expect((await verify()).items).toBeGreaterThan(82_000);
}, 60_000);

test('one wrong bit, one missing row and one row too many are found, with and without a key', async () => {
  const plant = async (sql: string) =>
    void (await copy.query(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`));
  await plant(`UPDATE t SET v = overlay(v placing chr(ascii(substr(v, 5, 1)) # 1) from 5 for 1) WHERE id = 31234`);
  expect((await verify()).differences).toEqual(['public.t: the row id = 31234 differs']);
  await plant(`DELETE FROM t WHERE id = 50000; INSERT INTO two VALUES ('extra', 1, 'x')`);
  expect((await verify()).differences).toEqual([
    'public.t: the row id = 31234 differs',
    'public.t: the row id = 50000 differs',
    'public.two: the row a, b = extra, 1 differs',
  ]);
  await app.query('UPDATE t SET v = v WHERE id = 31234');
  await plant(
    `INSERT INTO t VALUES (50000, md5('50000'), 0); DELETE FROM two WHERE a = 'extra'; DELETE FROM nokey WHERE ctid = (SELECT min(ctid) FROM nokey)`,
  );
  expect((await verify()).differences).toEqual([expect.stringMatching(/^public.nokey: rows differ/)]);
  await plant('TRUNCATE nokey');
  await app.query('TRUNCATE nokey');
  expect((await verify()).differences).toEqual([]);
}, 60_000);

test('a cut link and a tunnel on another port do not matter', async () => {
  await target[Symbol.asyncDispose]();
  const other = await Tunnel.to(here);
  tunnel.close();
  tunnel = other;
  await app.query(`INSERT INTO t (v) VALUES ('while nobody listened')`);
  await target.follow(migration, ticket, tunnel, never);
  await target.rehearse(migration, tunnel, never);
  tunnel.cut();
  await app.query(`INSERT INTO t (v) VALUES ('while it was cut')`);
  // Nobody has to do anything: the stream comes back by itself.
  await target.rehearse(migration, tunnel, never);
  expect((await copy.query(`SELECT count(*) FROM t WHERE v LIKE 'while%'`)).rows[0].count).toBe('2');
  await target.healthy();
});

test('the marker comes after every earlier write, and markers that were backed out do not count', async () => {
  for (let round = 0; round < 6; round++) {
    let stop = false;
    let acknowledged = 0;
    const writers = Array.from({ length: 4 }, async () => {
      const client = await clusters.client(here);
      while (!stop) {
        await client.query(`INSERT INTO t (v) VALUES ('ledger ${round}')`);
        acknowledged++;
      }
    });
    await target.rehearse(migration, tunnel, never);
    await source.ready(migration);
    await sleep(50);
    const applied = target.applied(migration, 1, soon());
    await source.fence(soon());
    const known = acknowledged;
    await source.mark(migration, 1, soon());
    await applied;
    const seen = await copy.query(
      `SELECT count(*) FILTER (WHERE v = 'ledger ${round}') AS rows, (SELECT last_value FROM t_id_seq) AS sequence, max(id) AS newest FROM t`,
    );
    const there = Number(seen.rows[0].rows);
    expect(there).toBeGreaterThanOrEqual(known);
    expect(Number(seen.rows[0].sequence)).toBeGreaterThanOrEqual(Number(seen.rows[0].newest));
    expect((await app.query(`SELECT count(*) FROM t WHERE v = 'ledger ${round}'`)).rows[0].count).toBe(
      seen.rows[0].rows,
    );
    stop = true;
    await source.unfence();
    await Promise.all(writers);
  }
  await target.rehearse(migration, tunnel, never);
  await expect(target.applied(migration, 1, soon(300))).rejects.toMatchObject({ code: 'timeout' });
}, 60_000);

test('the marker of an attempt that was cut short is not taken for that of the next, which has not marked yet', async () => {
  await target.rehearse(migration, tunnel, never);
  await source.ready(migration);
  const applied = target.applied(migration, 1, soon());
  await source.fence(soon());
  await source.mark(migration, 1, soon());
  await applied;
  await source.unfence();
  // The same epoch again: nobody has marked, so nobody may say that it is applied.
  await expect(target.applied(migration, 1, soon(300))).rejects.toMatchObject({ code: 'not_in_sync' });
});

test('the copy refuses writes and DDL of everybody, but may be read, until it is opened', async () => {
  const early = await clusters.client(there);
  for (const sql of [
    `UPDATE t SET n = 1`,
    'DELETE FROM two',
    'TRUNCATE nokey',
    'CREATE TABLE x (i int)',
    'DROP TABLE two',
    'ALTER TABLE t ADD COLUMN y int',
  ])
    await expect(early.query(sql)).rejects.toMatchObject({ code: '25006' });
  await early.query('CREATE TEMP TABLE mine (i int); INSERT INTO mine VALUES (1); DROP TABLE mine');
  expect((await early.query('SELECT count(*) FROM t')).rows[0].count).not.toBe('0');
});

test('a crash of the target between the marker and its activation loses nothing', async () => {
  await target.rehearse(migration, tunnel, never);
  await source.ready(migration);
  await app.query(`INSERT INTO t (v) VALUES ('before the crash')`);
  const applied = target.applied(migration, 2, soon());
  await source.fence(soon());
  await source.mark(migration, 2, soon());
  await applied;
  await source.seal();
  await stopServer(there, 'immediate');
  await engine.start(there);
  await target[Symbol.asyncDispose]();
  await target.activate(2);
  const moved = await clusters.client(there);
  expect((await moved.query(`SELECT count(*) FROM t WHERE v = 'before the crash'`)).rows[0].count).toBe('1');
  await moved.query(`INSERT INTO t (v) VALUES ('new side')`);
  await target.standby();
  await moved.query('CREATE TABLE x (i int)');
  // What serves is never made anew, whoever asks.
  await expect(target.copy(migration, { ...ticket, id: 'another' }, tunnel, () => {}, never)).rejects.toMatchObject({
    code: 'engine_refused',
  });
  expect((await moved.query(`SELECT count(*) FROM t WHERE v = 'new side'`)).rows[0].count).toBe('1');
  await source.unfence();
});

test('a change that cannot be applied is said with its reason', async () => {
  const again = randomUUID();
  await target.close(migration);
  await source.close(migration);
  app = await clusters.client(here);
  ticket = (await source.open(again)).ticket;
  await target.copy(again, ticket, tunnel, () => {}, never);
  await target.follow(again, ticket, tunnel, never);
  const before = await source.fingerprint();
  await app.query(`ALTER TABLE t ADD COLUMN fresh int; INSERT INTO t (v, fresh) VALUES ('x', 1)`);
  expect(await source.fingerprint()).not.toBe(before);
  for (let n = 0; n < 100; n++) {
    const state = await target.healthy().then(
      () => undefined,
      (error) => error,
    );
    if (state) {
      expect(state).toMatchObject({ code: 'schema_changed' });
      expect(state.message).toMatch(/fresh/);
      break;
    }
    await sleep(100);
    expect(n).toBeLessThan(99);
  }
  // Copied anew at once: the log's last lines are the old stream's, and say nothing of this one.
  ticket = (await source.open(again)).ticket;
  await target.copy(again, ticket, tunnel, () => {}, never);
  await target.follow(again, ticket, tunnel, never);
  await target.healthy();
  await target.close(again);
  await source.close(again);
}, 30_000);
