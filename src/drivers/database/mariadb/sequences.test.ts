import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TableRef } from './catalog.ts';
import { goesOnAt, readSequences, setSequence } from './sequences.ts';
import { Pair } from './testing/pair.ts';
import { installed, Servers } from './testing/servers.ts';
import type { Client } from './wire/connect.ts';

const servers = new Servers();
let pair: Pair;
let app: Client;

const draw = (client: Client, name: string) =>
  client.value(`SELECT NEXTVAL(${name})`).catch((error: { errno: number }) => `error ${error.errno}`);
const drawn = async (client: Client, name: string, times: number) => {
  const numbers: (string | null)[] = [];
  for (let n = 0; n < times; n++) numbers.push(await draw(client, name));
  return numbers;
};
const ranOut = 'error 4084';

describe.skipIf(!installed)('sequences', () => {
  beforeAll(async () => {
    pair = await Pair.of(servers);
    app = await servers.client(pair.serves.instance);
    await app.batch(
      'CREATE SEQUENCE plenty CACHE 10',
      'CREATE SEQUENCE nearly MAXVALUE 150 CACHE 10',
      'CREATE SEQUENCE spent MAXVALUE 3 NOCACHE',
      'CREATE SEQUENCE round_about MINVALUE 1 MAXVALUE 500 CACHE 10 CYCLE',
      'CREATE SEQUENCE down START WITH -1 INCREMENT BY -5 MINVALUE -400 MAXVALUE -1 CACHE 10',
      'CREATE SEQUENCE largest START WITH 9223372036854775000 INCREMENT BY 100 MAXVALUE 9223372036854775806 CACHE 1000',
      'CREATE TABLE t (id INT PRIMARY KEY)',
    );
    await drawn(app, 'plenty', 5);
    await drawn(app, 'spent', 4);
    await drawn(app, 'round_about', 3);
    await pair.copy();
  }, 60_000);
  afterAll(async () => {
    await pair?.dispose();
    await servers.dispose();
  });

  test('at their end, near it, cycling and going down: no number is given a second time, and a switch never fails for one', async () => {
    const before = new Map<string, (string | null)[]>();
    const names = { plenty: 20, nearly: 60, spent: 1, round_about: 480, down: 30, largest: 2 };
    for (const [name, times] of Object.entries(names)) before.set(name, await drawn(app, name, times));
    expect(before.get('spent')).toEqual([ranOut]);
    await pair.prepare();
    await pair.turnOver();
    const there = await servers.client(pair.serves.instance);
    for (const name of ['plenty', 'nearly', 'spent', 'down', 'largest']) {
      const after = (await drawn(there, name, 200)).filter((number) => number !== ranOut);
      expect(after.filter((number) => before.get(name)!.includes(number))).toEqual([]);
      expect(new Set(after).size).toBe(after.length);
    }
    expect(await drawn(there, 'spent', 1)).toEqual([ranOut]);
    // Up to 490 was in the source's cache, and half of what is left of the round is left out; then the next one begins.
    expect(await drawn(there, 'round_about', 7)).toEqual(['495', '496', '497', '498', '499', '500', '1']);
    await pair.begin();
    await pair.tidy(pair.old.id);
    await pair.caughtUp();
    await pair.prepare();
    await pair.turnOver();
    const back = await servers.client(pair.serves.instance);
    const [again] = await drawn(back, 'plenty', 1);
    expect(BigInt(again!)).toBeGreaterThan(225n);
  }, 60_000);

  test('what is read of a sequence and set again is where it was', async () => {
    const client = await servers.client(pair.serves.instance, 'admin');
    const schema = pair.serves.instance.database;
    const name = `s_${randomUUID().slice(0, 8)}`;
    await client.query(`CREATE SEQUENCE ${name} MINVALUE 1 MAXVALUE 3 NOCACHE CYCLE`);
    await drawn(client, name, 3);
    const sequence: TableRef = { schema, name };
    const [state] = await readSequences(client, [sequence], 'nothing');
    await client.batch(`DROP SEQUENCE ${name}`, `CREATE SEQUENCE ${name} MINVALUE 1 MAXVALUE 3 NOCACHE CYCLE`);
    await setSequence(client, state!);
    expect(await drawn(client, name, 4)).toEqual(['1', '2', '3', '1']);
  });
});

test('a leap stays within the numbers, whatever their size and direction', () => {
  const row = (next: string, more: Record<string, string> = {}) => ({
    next_not_cached_value: next,
    minimum_value: '1',
    maximum_value: '9223372036854775806',
    increment: '1',
    cache_size: '1000',
    cycle_option: '0',
    cycle_count: '0',
    ...more,
  });
  expect(goesOnAt(row('5'), true)).toEqual(['1005', '0', '0']);
  expect(goesOnAt(row('5'), false)).toEqual(['5', '0', '0']);
  expect(goesOnAt(row('5', { increment: '0', cache_size: '0' }), true)).toEqual(['105', '0', '0']);
  expect(goesOnAt(row('9223372036854775806'), true)).toEqual(['9223372036854775806', '0', '0']);
  expect(goesOnAt(row('1', { maximum_value: '500' }), true)).toEqual(['250', '0', '0']);
  expect(goesOnAt(row('491', { maximum_value: '500', cycle_option: '1' }), true)).toEqual(['495', '0', '0']);
  expect(goesOnAt(row('9223372036854775807'), false)).toEqual(['9223372036854775806', '1', '0']);
  const cycling = { maximum_value: '500', cycle_option: '1', cycle_count: '4' };
  expect(goesOnAt(row('501', cycling), true)).toEqual(['1', '0', '5']);
  const down = { increment: '-7', minimum_value: '-9223372036854775807', maximum_value: '-1' };
  expect(goesOnAt(row('-8', down), true)).toEqual(['-7008', '0', '0']);
  expect(goesOnAt(row('-9223372036854775808', down), true)).toEqual(['-9223372036854775807', '1', '0']);
});
