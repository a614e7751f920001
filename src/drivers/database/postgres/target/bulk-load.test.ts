import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { Clusters, never, Tunnel } from '../testing/clusters.ts';
import { type CopyTicket, readCopyTicket } from '../ticket.ts';
import { copyDatabase } from './copy.ts';

// Servers start and end a dozen times, on a disk that others use.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const clusters = new Clusters();
let migration: string;
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let source: SourceStore;
let ticket: CopyTicket;

beforeAll(async () => {
  here = await clusters.provision('here');
  there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  const app = await clusters.client(here);
  for (const name of ['one', 'two', 'three', 'four'])
    await app.query(`CREATE TABLE ${name} (id int PRIMARY KEY, v text, up int REFERENCES ${name});
      INSERT INTO ${name} SELECT g, md5(g::text), g / 2 + 1 FROM generate_series(1, 20000) g`);
  source = engine.source(here);
});

beforeEach(async () => {
  migration = randomUUID();
  ticket = readCopyTicket((await source.open(migration)).ticket);
});

afterEach(() => source.close(migration));

afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
  tunnel?.close();
  await clusters.dispose();
});

/** As a copy of a large database, whatever its size. */
const copy = () => copyDatabase({ instance: there, ticket, from: tunnel, report: () => {}, signal: never }, 0);

/** A copy that is cut in the middle of the rows. */
async function halfCopy(): Promise<void> {
  const begin = tunnel.bytes;
  tunnel.onBytes = (total) => {
    if (total - begin < 1_500_000) return;
    tunnel.onBytes = () => {};
    tunnel.cut();
  };
  await expect(copy()).rejects.toMatchObject({ code: 'copy_interrupted', next: 'retry' });
}

async function ask(sql: string): Promise<unknown> {
  const client = await clusters.client(there, 'admin');
  const { rows } = await client.query({ text: sql, rowMode: 'array' });
  await client.end();
  return rows[0]?.[0];
}

const mark = () => existsSync(join(there.folder, 'bulk-load'));

/** Durable, whole, and able to follow. */
async function expectWhole(): Promise<void> {
  expect(mark()).toBe(false);
  const settings = `SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'wal_level', 'autovacuum')`;
  expect(await ask(settings)).toBe('on on on logical');
  for (const name of ['one', 'two', 'three', 'four']) expect(await ask(`SELECT count(*) FROM ${name}`)).toBe('20000');
  expect(await ask(`SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated`)).toBe('4');
  expect(await ask(`SELECT bool_and(reltuples = 20000) FROM pg_class WHERE relname IN ('one', 'four')`)).toBe(true);
  await using target = engine.target(there);
  await target.follow(migration, ticket, tunnel, never);
  await target.close(migration);
}

test('a large copy goes on where the link was cut, and is on disk before it counts', async () => {
  await halfCopy();
  expect(await ask('SHOW fsync')).toBe('off');
  const done = Number(await ask('SELECT count(*) FROM storky.chunk WHERE done'));
  expect(done).toBeLessThan(4);
  const begin = tunnel.bytes;
  await copy();
  if (done > 0) expect(tunnel.bytes - begin).toBeLessThan(3_000_000);
  // A crash now takes nothing away.
  await stopServer(there, 'immediate');
  await engine.start(there);
  await expectWhole();
});

test('what a crash of the server cut short is not trusted: the copy begins anew', async () => {
  await halfCopy();
  const postmaster = Number(readFileSync(join(there.folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(postmaster, 'SIGKILL');
  await waitFor(async () => !(await engine.running(there)), { what: 'the end of the server' });
  await engine.start(there);
  expect(mark()).toBe(false);
  expect(await ask(`SELECT to_regclass('storky.copy')`)).toBe(null);
  await copy();
  await expectWhole();
});

test('a session that crashes ends the server, and the next attempt begins anew', async () => {
  await halfCopy();
  const client = await clusters.client(there, 'admin');
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  process.kill(rows[0].pid, 'SIGKILL');
  await waitFor(async () => !(await engine.running(there)), { what: 'the end of the server' });
  await copy();
  await expectWhole();
});

test('whoever starts it while it is started anew neither hinders that nor takes it for crashed', async () => {
  let over = false;
  const others = (async () => {
    while (!over) await engine.start(there);
  })();
  await copy();
  over = true;
  await others;
  await expectWhole();
});

test('a copy that is given up leaves an ordinary server', async () => {
  await halfCopy();
  await using target = engine.target(there);
  await target.close(migration);
  expect(mark()).toBe(false);
  expect(await ask('SHOW fsync')).toBe('on');
});
