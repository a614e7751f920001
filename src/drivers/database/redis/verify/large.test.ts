import { afterAll, beforeAll, expect, test } from 'vitest';
import { Move } from '../testing/servers.ts';
import { ask, type Client } from '../wire/connect.ts';

let move: Move;
let copy: Client;
beforeAll(async () => {
  move = await Move.begin();
  const fill = `for i = 1, 20600 do
    redis.call('HSET', 'hash', i, i * 2); redis.call('SADD', 'set', 'm' .. i); redis.call('ZADD', 'zset', i % 100, 'm' .. i)
    redis.call('RPUSH', 'list', i); redis.call('XADD', 'stream', '1-' .. i, 'n', i) end`;
  await move.app.eval(fill, 0);
  await move.app.set('string', 'x'.repeat(3_000_000));
  await move.copy();
  copy = await move.servers.client(move.there, 'admin');
  await ask(copy, 'CONFIG', 'SET', 'replica-read-only', 'no');
});
afterAll(() => move?.dispose());

test('large keys are read in parts, and are the same on both sides', async () => {
  expect(await move.differences()).toEqual([]);
  // While one is written, too: it is on its way, not wrong.
  const writing = Promise.all(Array.from({ length: 200 }, (_, n) => move.app.hset('hash', n, 'new')));
  expect(await move.differences()).toEqual([]);
  await writing;
});

test('one element that is wrong is found in each', async () => {
  const plants = [
    ['HSET', 'hash', 20_500, 'other'],
    ['LSET', 'list', 20_500, 'other'],
    ['SREM', 'set', 'm20500'],
    ['XDEL', 'stream', '1-20500'],
    ['SETRANGE', 'string', 2_999_999, 'y'],
    ['ZADD', 'zset', 7.5, 'm20500'],
  ];
  const keys = plants.map(([, key]) => key as string);
  const before = await Promise.all(keys.map((key) => copy.dumpBuffer(key)));
  for (const plant of plants) await ask(copy, ...plant);
  expect((await move.differences()).sort()).toEqual(keys.map((key) => `database 0: the key ${key} differs`));
  for (const [n, key] of keys.entries()) await ask(copy, 'RESTORE', key, 0, before[n]!, 'REPLACE');
  expect(await move.differences()).toEqual([]);
});
