import { afterAll, beforeAll, expect, test } from 'vitest';
import { soon } from '../conformance/rig.ts';
import { canonical } from './surroundings.ts';
import { Move } from './testing/servers.ts';
import { ask, type Client } from './wire/connect.ts';

let move: Move;
let admin: Client;
beforeAll(async () => {
  move = await Move.begin();
  admin = await move.servers.client(move.here, 'admin');
});
afterAll(() => move?.dispose());

const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));

async function oneOfEverything(app: Client): Promise<void> {
  await app.set(bytes, bytes);
  await app.set('number', '41');
  await app.setbit('bits', 1_000, 1);
  await app.pfadd('visitors', ...Array.from({ length: 500 }, (_, n) => `v${n}`));
  await app.rpush('list', ...Array.from({ length: 300 }, (_, n) => `entry ${n}`));
  await app.sadd('numbers', ...Array.from({ length: 600 }, (_, n) => n));
  await app.sadd('words', 'a', 'b', bytes);
  await app.zadd('scores', 1.5, 'x', Number.NEGATIVE_INFINITY, 'low', 0.1 + 0.2, 'sum');
  await app.geoadd('places', 13.361389, 38.115556, 'Palermo');
  await app.hset('hash', Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`field ${n}`, `${n}`])));
  for (let n = 0; n < 120; n++) await app.xadd('stream', `1-${n + 1}`, 'n', String(n));
  await app.xgroup('CREATE', 'stream', 'workers', '0');
  await app.xreadgroup('GROUP', 'workers', 'w1', 'COUNT', 7, 'STREAMS', 'stream', '>');
  await app.set('short', 'gone soon', 'PX', 30);
  await app.set('long', 'stays', 'PXAT', Date.now() + 3_600_000);
  await app.select(9);
  await app.set('in nine', 'yes');
  await app.select(0);
  await ask(
    app,
    'FUNCTION',
    'LOAD',
    `#!lua name=lib\nredis.register_function('twice', function(k, a) return a[1] * 2 end)`,
  );
  await ask(app, 'SCRIPT', 'LOAD', 'return 1');
}

test('a server with one of everything moves whole, and nothing of the move is left on either side', async () => {
  const { app, source, target, migration } = move;
  await oneOfEverything(app);
  const selector = ['(', '+get', '~public:*', ')'].join(' ').replace('( ', '(').replace(' )', ')');
  await ask(admin, 'ACL', 'SETUSER', 'reporter', 'on', '>r3port', '~report:*', '+@read', selector);
  await ask(admin, 'ACL', 'SETUSER', 'former', 'off', '>x', '+@all');
  await ask(
    admin,
    'CONFIG',
    'SET',
    'notify-keyspace-events',
    'Kx',
    'maxmemory-policy',
    'volatile-lfu',
    'maxmemory',
    '99mb',
  );
  const before = await everything(admin);
  expect((await source.measure()).notMoved.join()).toMatch(/1 cached scripts/);

  await move.copy();
  const room = await settingsNow(admin, 'repl-backlog-size', 'client-output-buffer-limit');
  expect(Number(room['repl-backlog-size'])).toBeGreaterThanOrEqual(32 * 1024 ** 2);
  expect(room['client-output-buffer-limit']).toMatch(/slave \d+ 0 0/);
  await app.multi().incr('number').rpush('list', 'by transaction').exec();
  await app.eval(`redis.call('SET', KEYS[1], 'by script'); redis.call('PEXPIRE', KEYS[1], 5000000)`, 1, 'scripted');
  await ask(app, 'XACK', 'stream', 'workers', '1-1', '1-2');
  await app.pexpire('long', 7_200_000);
  await app.persist('long');
  await app.rename('words', 'renamed words');
  await ask(app, 'FUNCTION', 'LOAD', `#!lua name=other\nredis.register_function('one', function() return 1 end)`);
  await app.select(3);
  await app.set('swapped', 'in three');
  await ask(app, 'SWAPDB', 3, 9);
  await ask(app, 'FLUSHDB');
  await app.select(0);
  expect(await move.differences()).toEqual([]);

  await move.ready();
  const proof = Promise.withResolvers<string | null>();
  const applied = target.applied(migration, 1, soon(), proof.promise);
  await source.fence(soon());
  proof.resolve((await source.mark(migration, 1, soon())) ?? null);
  expect((await applied).detail).toMatch(/marker 1 applied after \d/);
  await source.seal();
  await target.activate(1);

  const moved = await move.servers.client(move.there);
  expect(await moved.getBuffer(bytes)).toEqual(bytes);
  expect(await moved.get('number')).toBe('42');
  expect(await ask(moved, 'FCALL', 'twice', 0, 21)).toBe(42);
  expect(await ask(moved, 'FCALL', 'one', 0)).toBe(1);
  expect(await moved.get('short')).toBeNull();
  expect(await moved.pttl('long')).toBe(-1);
  expect(await moved.pttl('scripted')).toBeGreaterThan(4_000_000);
  expect(await moved.xpending('stream', 'workers')).toEqual([5, '1-3', '1-7', [['w1', '5']]]);
  expect(await moved.xreadgroup('GROUP', 'workers', 'w1', 'COUNT', 1, 'STREAMS', 'stream', '>')).toMatchObject([
    ['stream', [['1-8', ['n', '7']]]],
  ]);
  await moved.select(9);
  expect(await moved.get('swapped')).toBe('in three');
  const reporter = await move.servers.client(move.there, { user: 'reporter', password: 'r3port' });
  await expect(reporter.get('private')).rejects.toThrow(/NOPERM/);
  expect(await reporter.get('public:x')).toBeNull();

  await target.close(migration);
  await source.close(migration);
  await source.unfence();
  const there = await move.servers.client(move.there, 'admin');
  expect(await everything(admin)).toEqual(before);
  expect(withoutSecrets((await everything(there)).users)).toEqual(withoutSecrets(before.users));
  expect((await everything(there)).settings).toEqual(before.settings);
});

test('what was taken over is still so after a restart', async () => {
  const { engine } = await import('./engine.ts');
  await engine.stop(move.there);
  await engine.start(move.there);
  const there = await move.servers.client(move.there, 'admin');
  expect(await ask(there, 'CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-lfu']);
  expect(await ask(there, 'ACL', 'USERS')).toContain('reporter');
  expect(await there.get('number')).toBe('42');
});

/** Users and settings, in which a move could leave a trace. */
async function everything(client: Client): Promise<{ users: string[]; settings: Record<string, string> }> {
  const settings = await settingsNow(client, '*');
  for (const own of ['port', 'dir', 'pidfile', 'logfile', 'aclfile']) delete settings[own];
  return { users: (await ask<string[]>(client, 'ACL', 'LIST')).map(canonical).sort(), settings };
}

async function settingsNow(client: Client, ...names: string[]): Promise<Record<string, string>> {
  const pairs = await ask<string[]>(client, 'CONFIG', 'GET', ...names);
  return Object.fromEntries(pairs.flatMap((name, n) => (n % 2 === 0 ? [[name, pairs[n + 1]!]] : [])));
}

/** The account of Storky has a password of its own on each side. */
const withoutSecrets = (users: string[]) => users.filter((line) => !line.startsWith('user storky_'));
