import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { inventory } from '../testing/inventory.ts';
import { Pair } from '../testing/pair.ts';
import { installed, never, Servers } from '../testing/servers.ts';
import type { Client } from '../wire/connect.ts';

const servers = new Servers();
let pair: Pair;

const app = () => servers.client(pair.serves.instance);
const admin = (side: 'serves' | 'other' = 'serves') => servers.client(pair[side].instance, 'admin');
const write = async (value: string, client?: Client) =>
  (client ?? (await app())).query(`INSERT INTO t (v) VALUES ('${value}')`);
const has = async (side: 'serves' | 'other', value: string) =>
  (await (await admin(side)).value(`SELECT COUNT(*) FROM t WHERE v = '${value}'`)) === '1';

const crash = async (side: 'serves' | 'other') => {
  await stopServer(pair[side].instance, 'kill');
  await engine.start(pair[side].instance);
};

describe.skipIf(!installed)('the way back survives', () => {
  beforeAll(async () => {
    pair = await Pair.of(servers);
    await (await app()).query('CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))');
    await pair.copy();
  }, 60_000);
  beforeEach(() => pair.prepare());
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  /** Everybody's writes are on both sides, and nowhere twice. */
  const settled = async () => {
    await pair.caughtUp();
    await pair.other.target.healthy();
    expect(await pair.differences()).toEqual([]);
    await pair.tidy(pair.old.id);
  };

  test('the death of the new side and its agent right after it was opened', async () => {
    await pair.turnOver();
    await crash('serves');
    await pair.forget(pair.serves);
    await write('after the first crash');
    await crash('serves');
    await write('after the second crash');
    await pair.begin();
    await settled();
    expect(await has('other', 'after the first crash')).toBe(true);
    expect(await has('other', 'after the second crash')).toBe(true);
  });

  test('the death of the old side while it follows, of its agent, and a link that is cut', async () => {
    await pair.turnOver();
    await pair.begin();
    const client = await app();
    for (let n = 0; n < 200; n++) await write(`before the crash ${n}`, client);
    await crash('other');
    await pair.forget(pair.other);
    pair.serves.tunnel.cut();
    for (let n = 0; n < 50; n++) await write(`while it was away ${n}`, client);
    expect(await refused(pair)).toBe(true);
    await pair.follow();
    pair.serves.tunnel.cut();
    await write('while it was cut', client);
    await pair.other.target.healthy();
    await settled();
    expect(await has('other', 'while it was cut')).toBe(true);
  });

  test('a server that is killed again and again while the old side begins', async () => {
    await pair.turnOver();
    await write('while nobody follows');
    const { id, ticket, turn } = pair.back;
    for (let ms = 5; ms < 120; ms += 25) {
      const begun = pair.other.wayBack.begin(id, ticket, pair.serves.tunnel, turn, never).catch(() => {});
      await sleep(ms);
      await crash('other');
      await begun;
    }
    await pair.begin();
    await write('once it follows');
    await settled();
    expect(await has('other', 'while nobody follows')).toBe(true);
    // Once it follows, a second call must not lead it back to the turn.
    await pair.other.wayBack.begin(id, ticket, pair.serves.tunnel, turn, never);
    await pair.follow();
    await write('after it was asked again');
    await pair.caughtUp();
    await pair.other.target.healthy();
    expect(await pair.differences()).toEqual([]);
  });

  test('attempts that are backed out of, whatever was written before and between them', async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      await write(`before attempt ${attempt}`);
      await pair.freeze();
      if (attempt > 0) await pair.serves.source.seal();
      await pair.serves.source.unfence();
      await write(`after attempt ${attempt}`);
      await pair.prepare();
    }
    await pair.turnOver();
    await write('on the new side');
    await pair.begin();
    await settled();
    expect(await has('other', 'on the new side')).toBe(true);
  });

  test('a way back that is made ready and then not used: the old side is closed again, and nothing is left on the new one', async () => {
    const before = await inventory(await admin('serves'));
    await pair.serves.wayBack.prove(pair.back.id, pair.back.ticket, pair.other.tunnel, never);
    const reader = await servers.client(pair.other.instance);
    expect(await reader.value('SELECT @@read_only')).toBe('1');
    await pair.other.source.close(pair.back.id);
    await pair.other.target.close(pair.stream.id);
    await pair.serves.source.close(pair.stream.id);
    expect(await refused(pair)).toBe(true);
    expect(await (await admin('serves')).query(`SHOW DATABASES LIKE 'storky'`)).toEqual([]);
    const ours = (line: string) => /storky_r_|^stream|storky\b/.test(line);
    expect(before.filter(ours)).not.toEqual([]);
    expect((await inventory(await admin('serves'))).filter(ours)).toEqual([]);
    expect((await inventory(await admin('other'))).filter((line) => /storky_r_|^stream/.test(line))).toEqual([]);
    await crash('other');
    expect(await refused(pair)).toBe(true);
    await write('still served');
    // For the others: the sealed side is made to serve again, as after a disaster, and becomes a new copy.
    await pair.other.source.unfence();
    await pair.copy();
  });
});

/** Whoever writes on the side that was left is refused. */
async function refused(pair: Pair): Promise<boolean> {
  const { instance } = pair.other;
  return servers.client(instance).then(
    (client) => write('stray', client).then(() => false),
    () => true,
  );
}
