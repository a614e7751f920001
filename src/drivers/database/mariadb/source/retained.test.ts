import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { Pair } from '../testing/pair.ts';
import { installed, Servers } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';
import { tidyLog } from './retained.ts';

const servers = new Servers();
let pair: Pair;
let admin: Client;

const logs = async () => (await admin.query('SHOW BINARY LOGS')).length;
const write = async (bytes: number) =>
  (await servers.client(pair.serves.instance)).query(`INSERT INTO t (v) VALUES (REPEAT('x', ${bytes}))`);

describe.skipIf(!installed)('the log of the side that serves', () => {
  beforeAll(async () => {
    pair = await Pair.of(servers);
    const app = await servers.client(pair.serves.instance);
    await app.query('CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)');
    await pair.copy();
    await pair.prepare();
    await pair.turnOver();
    await pair.begin();
    admin = await servers.client(pair.serves.instance, 'admin');
  }, 60_000);
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  test('is kept for the side that is away, over a restart too, and its size is said', async () => {
    const { source, instance } = pair.serves;
    expect(await source.retained!(pair.stream.id)).toBeLessThan(100_000);
    await stopServer(pair.other.instance);
    await write(3_000_000);
    await admin.query('FLUSH BINARY LOGS');
    expect(await source.retained!(pair.stream.id)).toBeGreaterThan(3_000_000);
    await stopServer(instance);
    await engine.start(instance);
    admin = await servers.client(instance, 'admin');
    expect(await admin.value('SELECT @@binlog_expire_logs_seconds')).toBe('0');
    expect(await source.retained!(pair.stream.id)).toBeGreaterThan(3_000_000);
    expect(await source.retained!('another')).toBe(0);
    await engine.start(pair.other.instance);
    await pair.follow();
    await pair.caughtUp();
    await pair.other.target.lag();
    expect(await source.retained!(pair.stream.id)).toBeLessThan(100_000);
  });

  test('goes when the disk gets full: first what was taken, then, rather than the app, the way back', async () => {
    const { instance } = pair.serves;
    const before = await logs();
    await tidyLog(admin, instance, { free: 10, least: 5 });
    expect(await logs()).toBe(before);
    await tidyLog(admin, instance, { free: 10, least: 11 });
    const kept = await logs();
    expect(kept).toBeLessThan(before);
    await stopServer(pair.other.instance);
    await write(1_000_000);
    await admin.query('FLUSH BINARY LOGS');
    const tidied = () => tidyLog(admin, instance, { free: 10, least: 11 }).then(logs);
    await expect.poll(tidied, { timeout: 5_000 }).toBe(1);
    await engine.start(pair.other.instance);
    await expect(pair.follow()).rejects.toMatchObject({ code: 'not_in_sync' });
    await expect(pair.other.target.healthy()).rejects.toMatchObject({ code: 'not_in_sync' });
    expect(await pair.serves.source.open(pair.stream.id)).toMatchObject({ fresh: true });
    const old = { ...pair.stream, ticket: (await pair.serves.source.open(pair.stream.id)).ticket };
    await expect(
      pair.other.wayBack.begin(old.id, old.ticket, pair.serves.tunnel, old.turn, new AbortController().signal),
    ).rejects.toMatchObject({ code: 'not_in_sync' });
  });

  test('is removed by the server itself again when the way back is over, and whoever was left stays sealed', async () => {
    await pair.other.target.close(pair.stream.id);
    await pair.serves.source.close(pair.stream.id);
    await pair.tidy(pair.old.id);
    expect(await admin.value('SELECT @@binlog_expire_logs_seconds')).toBe('604800');
    expect(await admin.query(`SHOW DATABASES LIKE 'storky'`)).toEqual([]);
    await expect(servers.client(pair.other.instance)).rejects.toMatchObject({ errno: 4151 });
  });
});
