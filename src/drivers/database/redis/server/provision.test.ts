import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { never } from '../../conformance/rig.ts';
import { engine } from '../engine.ts';
import { slowestCopy, streamRoom } from '../source/sizes.ts';
import { Servers } from '../testing/servers.ts';
import { ask } from '../wire/connect.ts';
import { stopServer } from './server.ts';

const servers = new Servers();
afterAll(() => servers.dispose());

test('a server is taken over, whatever was done already, and loses nothing to a kill', async () => {
  const first = await servers.provision('one');
  const client = await servers.client(first);
  await client.set('kept', 'yes');
  expect(await engine.provision(first)).toEqual(first);
  await stopServer(first, 'SIGKILL');
  expect(await engine.running(first)).toBe(false);
  expect(await engine.provision(first)).toEqual(first);
  expect(await (await servers.client(first)).get('kept')).toBe('yes');
  // Killed after the names were written, before anything was made with them.
  await engine.stop(first);
  for (const name of ['users.acl', 'redis.conf']) rmSync(join(first.folder, name));
  expect(await engine.provision(first)).toEqual(first);
  const { url } = engine.environment(first);
  expect(url).toBe(`redis://shop_cache:s3cret%20'%20pass@127.0.0.1:${first.port}/0`);
  await Promise.all([engine.start(first), engine.start(first)]);
});

test('a port that is taken is said, with the way out', async () => {
  const first = await servers.provision('first');
  const second = await servers.provision('second');
  await engine.stop(second);
  await expect(engine.start({ ...second, port: first.port })).rejects.toMatchObject({ code: 'engine_refused' });
  await engine.start(second);
});

test('the app rules its data, not the server; a client that knows only the password gets in', async () => {
  const instance = await servers.provision('rights');
  const app = await servers.client(instance, { user: 'default', password: instance.password });
  await app.set('a', '1');
  for (const command of [
    'CONFIG SET maxmemory 1',
    'CLIENT UNPAUSE',
    'REPLICAOF NO ONE',
    'ACL LIST',
    'DEBUG JMAP',
    'SHUTDOWN',
  ])
    await expect(ask(app, ...command.split(' '))).rejects.toThrow(/NOPERM/);
  await ask(app, 'CONFIG', 'GET', 'maxmemory-policy');
  await app.flushall();
  const users = readFileSync(join(instance.folder, 'users.acl'), 'utf8');
  expect(users).not.toContain(instance.password);
});

test('a plan decides what is kept, and how much', async () => {
  const cache = await servers.client(await servers.provision('cache', 'cache-512'), 'admin');
  expect(await ask(cache, 'CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru']);
  expect(await ask(cache, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
  expect(await ask(cache, 'CONFIG', 'GET', 'save')).toEqual(['save', '900 1 300 100']);
  expect(await ask(cache, 'CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(512 * 1024 ** 2)]);
});

test('a copy that is started again refuses writers from its first moment', async () => {
  const instance = await servers.provision('standby');
  const before = await servers.client(instance);
  await before.set('a', '1');
  const target = engine.target(instance);
  await target.standby();
  await stopServer(instance, 'SIGKILL');
  await engine.start(instance);
  const client = await servers.client(instance);
  await expect(client.set('a', '2')).rejects.toThrow(/READONLY/);
  expect(await client.get('a')).toBe('1');
  await target.activate(1);
  await client.set('a', '2');
  await engine.stop(instance);
  await engine.start(instance);
  expect(await (await servers.client(instance)).get('a')).toBe('2');
});

test('a backup brings databases, times to live, functions, users and settings, and is kept by a restart', async () => {
  const here = await servers.provision('from');
  const there = await servers.provision('to');
  const client = await servers.client(here);
  await client.set('mortal', 'x', 'PX', 3_600_000);
  await client.select(4);
  await client.set('in four', 'y');
  await ask(client, 'FUNCTION', 'LOAD', `#!lua name=lib\nredis.register_function('one', function() return 1 end)`);
  const admin = await servers.client(here, 'admin');
  await ask(admin, 'ACL', 'SETUSER', 'extra', 'on', '>e', '+@read', '~*');
  await ask(admin, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
  await engine.target(there).restore(await engine.source(here).backup(), () => {}, never);
  await stopServer(there, 'SIGKILL');
  await engine.start(there);
  const restored = await servers.client(there, { user: 'extra', password: 'e' });
  expect(await restored.pexpiretime('mortal')).toBe(await client.select(0).then(() => client.pexpiretime('mortal')));
  const app = await servers.client(there);
  await app.select(4);
  expect(await app.get('in four')).toBe('y');
  expect(await ask(app, 'FCALL', 'one', 0)).toBe(1);
  expect(await ask(app, 'CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-ttl']);
  expect(await ask(app, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes']);
});

test('the room for the stream grows with the writes and the size, and is bounded by the memory there is', () => {
  const [mb, gb] = [1024 ** 2, 1024 ** 3];
  expect(streamRoom(0, 0, 8 * gb)).toBe(32 * mb);
  expect(streamRoom(5 * mb, 2 * gb, 64 * gb)).toBeGreaterThan(5 * mb * 60);
  expect(streamRoom(50 * mb, 20 * gb, 8 * gb)).toBe(2 * gb);
});

test('a limit makes the copy longer, and the room for what is written meanwhile larger', () => {
  const [mb, gb] = [1024 ** 2, 1024 ** 3];
  const room = streamRoom(mb / 10, 5 * gb, 64 * gb, mb);
  expect(room).toBeGreaterThan((mb / 10) * ((5 * gb) / mb));
  expect(streamRoom(mb / 10, 5 * gb, 64 * gb, 500 * mb), 'a fast limit changes nothing').toBe(
    streamRoom(mb / 10, 5 * gb, 64 * gb),
  );
  expect(slowestCopy(mb / 10, 5 * gb, room)).toBeCloseTo(mb, -3);
  // The room that a server has by itself, at the same writes: less than 20 minutes for the copy.
  expect(slowestCopy(mb / 10, 5 * gb, 256 * mb)).toBeGreaterThan(4 * mb);
  expect(slowestCopy(50 * mb, 20 * gb, mb), 'never more than what it was sized for').toBe(20 * mb);
});
