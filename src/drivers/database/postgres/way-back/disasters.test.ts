import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { crash } from '../testing/kill.ts';
import { Pair } from '../testing/pair.ts';
import type { Client } from '../wire/connect.ts';

const pair = new Pair();

const write = (value: string, client: Client = pair.app) => client.query('INSERT INTO t (v) VALUES ($1)', [value]);
const count = async (client: Client, value: string) =>
  Number((await client.query('SELECT count(*) FROM t WHERE v LIKE $1', [value])).rows[0].count);
const onTheCopy = async (value: string) => count(await pair.client(pair.copy.instance, 'admin'), value);
const reconnect = async () => {
  pair.app = await pair.client(pair.serving.instance);
};
const refused = () => expect(pair.client(pair.copy.instance)).rejects.toMatchObject({ code: '28000' });

/** Everybody's writes are on both sides, and nowhere twice. */
const settled = async () => {
  await pair.caughtUp();
  await pair.copy.target.healthy();
  expect(await pair.differences()).toEqual([]);
  await refused();
  await pair.tidy();
  await pair.copy.target.standby();
};

beforeAll(
  () =>
    pair.begin(
      `CREATE TABLE t (id bigserial PRIMARY KEY, v text); CREATE TABLE nokey (v text); INSERT INTO t (v) VALUES ('first')`,
    ),
  60_000,
);
beforeEach(async () => {
  await pair.prepareWayBack();
}, 60_000);
afterAll(() => pair.dispose());

test('the death of the new side between the marker and its opening', async () => {
  await pair.makeReady();
  await pair.app.query(
    `INSERT INTO t (v) SELECT 'applied, not on disk' FROM generate_series(1, 200); INSERT INTO nokey VALUES ('not on disk')`,
  );
  await pair.freeze();
  await pair.serving.source.seal();
  await crash(pair.copy.instance);
  await pair.forget(pair.copy);
  await pair.decide();
  await write('on the new side');
  await pair.beginWayBack();
  await pair.follow();
  await settled();
  expect(await onTheCopy('on the new side')).toBe(1);
  expect(await onTheCopy('applied, not on disk')).toBe(200);
}, 60_000);

test('the death of the new side right after it was opened, and after some writes', async () => {
  await pair.switchOver();
  await crash(pair.serving.instance);
  await pair.forget(pair.serving);
  await reconnect();
  for (let n = 0; n < 100; n++) await write(`after the first crash ${n}`);
  await crash(pair.serving.instance);
  await reconnect();
  await write('after the second crash');
  await pair.serving.target.activate(pair.epoch);
  await pair.beginWayBack();
  await pair.follow();
  await write('once it follows');
  await crash(pair.serving.instance);
  await reconnect();
  await write('after the third crash');
  await settled();
  expect(await onTheCopy('after the first crash %')).toBe(100);
  expect(await onTheCopy('after the % crash')).toBe(2);
}, 60_000);

test('the death of the old side while it follows, of its agent, and a link that is cut', async () => {
  await pair.switchOver();
  await pair.beginWayBack();
  await pair.follow();
  for (let n = 0; n < 200; n++) await write(`before the crash ${n}`);
  await crash(pair.copy.instance);
  await pair.forget(pair.copy);
  pair.serving.tunnel.cut();
  for (let n = 0; n < 50; n++) await write(`while it was away ${n}`);
  await refused();
  await pair.beginWayBack();
  await pair.follow();
  pair.serving.tunnel.cut();
  await write('while it was cut');
  await settled();
  expect(await onTheCopy('while it was %')).toBe(51);
}, 60_000);

test('a server that is killed again and again while the old side begins', async () => {
  await pair.switchOver();
  await write('while nobody follows');
  for (let ms = 5; ms < 150; ms += 20) {
    const begun = pair.beginWayBack().catch(() => {});
    await sleep(ms);
    await crash(pair.copy.instance);
    await begun;
    await write(`attempt after ${ms} ms`);
  }
  await pair.beginWayBack();
  await pair.follow();
  await write('once it follows');
  await pair.caughtUp();
  // Once it follows, a second call must not lead it back to the turn.
  await pair.beginWayBack();
  await pair.follow();
  await write('after it was asked again');
  await settled();
  expect(await onTheCopy('while nobody follows')).toBe(1);
  expect(await onTheCopy('attempt after %')).toBe(8);
}, 120_000);

test('attempts that are backed out of, whatever was written before and between them', async () => {
  for (let attempt = 0; attempt < 3; attempt++) {
    await write(`before attempt ${attempt}`);
    await pair.makeReady();
    await pair.freeze();
    if (attempt > 0) await pair.serving.source.seal();
    await pair.serving.source.unfence();
    await reconnect();
    await write(`after attempt ${attempt}`);
    await pair.prepareWayBack();
  }
  await pair.switchOver();
  await write('after the attempts');
  await pair.beginWayBack();
  await pair.follow();
  await settled();
  expect(await onTheCopy('after the attempts')).toBe(1);
}, 60_000);

test('a table made after the switch is said, and not silently left out', async () => {
  await pair.switchOver();
  await pair.beginWayBack();
  await pair.follow();
  await pair.app.query('CREATE TABLE made_later (id int PRIMARY KEY)');
  await expect(pair.copy.target.healthy()).rejects.toMatchObject({ code: 'schema_changed' });
  await expect(pair.serving.source.ready(pair.stream.id)).rejects.toMatchObject({ code: 'schema_changed' });
  expect((await pair.serving.source.open(pair.stream.id)).fresh).toBe(false);
  await pair.app.query('DROP TABLE made_later');
  await pair.copy.target.healthy();
  await settled();
}, 60_000);

test('more log than the new side may keep: what is lost is said', async () => {
  await pair.copy.target.lag();
  const admin = await pair.client(pair.serving.instance, 'admin');
  await admin.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`);
  await admin.query('SELECT pg_reload_conf()');
  const slot = pair.stream.ticket.slot as string;
  const copy = await pair.client(pair.copy.instance, 'admin');
  const { rows } = await copy.query(`SELECT subname FROM pg_subscription WHERE subenabled`);
  await copy.query(`ALTER SUBSCRIPTION ${rows[0].subname} DISABLE`);
  for (let n = 0; n < 5; n++) {
    await pair.app.query(`INSERT INTO t (v) SELECT repeat('x', 100) FROM generate_series(1, 20000)`);
    await admin.query('SELECT pg_switch_wal()');
  }
  await admin.query('CHECKPOINT');
  const status = await admin.query('SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1', [slot]);
  expect(status.rows[0].wal_status).toBe('lost');
  await copy.query(`ALTER SUBSCRIPTION ${rows[0].subname} ENABLE`);
  const said = { code: 'not_in_sync', message: expect.stringMatching(/lost.*1MB/) };
  await expect(pair.copy.target.lag()).rejects.toMatchObject(said);
  await expect(pair.copy.target.healthy()).rejects.toMatchObject(said);
  // A new slot would begin now: what was written before would be missing.
  await expect(pair.serving.source.openWayBack(pair.stream.id)).rejects.toMatchObject({ code: 'not_in_sync' });
}, 60_000);
