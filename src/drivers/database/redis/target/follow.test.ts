import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { never, soon } from '../../conformance/rig.ts';
import type { Items } from '../../conformance/subject.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import { Writers } from '../../conformance/writers.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { Move } from '../testing/servers.ts';
import { ask, type Client } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

let move: Move;
let admin: Client;
beforeAll(async () => {
  move = await Move.begin();
  admin = await move.servers.client(move.here, 'admin');
  // Nothing that a snapshot could make smaller.
  for (let n = 0; n < 300; n++) await move.app.set(`big ${n}`, randomBytes(10_000));
});
afterAll(() => move?.dispose());

const copiesBegun = async () => Number((await infoOf(admin, 'stats')).sync_full);
const writer = async (): Promise<Items> => {
  const client = await move.servers.client(move.here);
  return {
    write: async (id, value) => void (await client.set(`item:${id}`, value)),
    read: async (id) => (await client.get(`item:${id}`)) ?? undefined,
    ids: async () => [],
    close: async () => client.disconnect(),
  };
};

test('a copy that breaks off every time is given up after some, with its reason', async () => {
  move.ticket = (await move.source.open(move.migration)).ticket;
  let next = 1_000_000;
  move.tunnel.onBytes = (total) => {
    if (total < next) return;
    next = total + 1_000_000;
    move.tunnel.cut();
  };
  const copy = move.target.copy(move.migration, move.ticket, move.tunnel, () => {}, never);
  await expect(copy).rejects.toMatchObject({ code: 'engine_refused' });
  move.tunnel.onBytes = () => {};
  const there = await move.servers.client(move.there, 'admin');
  await expect(there.set('x', 'y')).rejects.toThrow(/READONLY/);
}, 60_000);

test('a copy whose server is killed in the middle is made again, while everything is being written', async () => {
  const writers = new Writers([await writer(), await writer()], 1);
  let killed: Promise<void> | undefined;
  const begun = await copiesBegun();
  move.tunnel.onBytes = () => {
    killed ??= stopServer(move.there, 'SIGKILL');
  };
  const broken = move.target.copy(move.migration, move.ticket, move.tunnel, () => {}, never);
  await expect(broken).rejects.toThrow();
  move.tunnel.onBytes = () => {};
  await killed;
  await engine.start(move.there);
  const early = await move.servers.client(move.there);
  await expect(early.set('x', 'too early')).rejects.toThrow(/READONLY/);
  const { items } = await move.target.copy(move.migration, move.ticket, move.tunnel, () => {}, never);
  expect(items).toBeGreaterThanOrEqual(300);
  expect(await copiesBegun()).toBeGreaterThan(begun);
  await move.target.standby();
  await move.follow();
  expect(await move.differences()).toEqual([]);
  await writers.ended();
  expect(writers.failures).toEqual([]);
}, 60_000);

test('a cut link and a tunnel on another port cost no new copy', async () => {
  const begun = await copiesBegun();
  const other = await Tunnel.to(move.here);
  move.tunnel.close();
  move.tunnel = other;
  await move.app.set('while', 'nobody listened');
  await move.follow();
  move.tunnel.cut();
  await move.app.set('cut', 'yes');
  // Nobody has to do anything: the stream comes back by itself.
  await move.target.rehearse(move.migration, move.tunnel, never);
  const copy = await move.servers.client(move.there);
  expect(await copy.mget('while', 'cut')).toEqual(['nobody listened', 'yes']);
  await move.target.healthy();
  expect(await move.target.lag()).toMatchObject({ ms: expect.any(Number) });
  expect(await copiesBegun()).toBe(begun);
}, 60_000);

test('a time to live that is renewed while the link is cut is not lost, though it ended meanwhile', async () => {
  await move.app.set('session', 'alive', 'PX', 2_000);
  await move.target.rehearse(move.migration, move.tunnel, never);
  move.tunnel.close();
  expect(await move.app.pexpire('session', 600_000)).toBe(1);
  const copy = await move.servers.client(move.there);
  // The copy hides it, but deletes nothing until its source says so.
  await waitFor(async () => (await copy.get('session')) === null, { what: 'the end of the old time' });
  move.tunnel = await Tunnel.to(move.here);
  await move.follow();
  await move.target.rehearse(move.migration, move.tunnel, never);
  expect(await copy.get('session')).toBe('alive');
  expect(await copy.pexpiretime('session')).toBe(await move.app.pexpiretime('session'));
});

test('every kind of wrong key is found, and named', async () => {
  await move.app.zadd('zset', 1, 'a');
  await move.app.xadd('log', '1-1', 'a', 'b');
  await move.app.xgroup('CREATE', 'log', 'readers', '0');
  await move.app.set('mortal', 'x', 'PX', 900_000);
  const copy = await move.servers.client(move.there, 'admin');
  const plant = async (...commands: (string | number)[][]) => {
    await ask(copy, 'CONFIG', 'SET', 'replica-read-only', 'no');
    for (const command of commands) await ask(copy, ...command);
    await ask(copy, 'CONFIG', 'SET', 'replica-read-only', 'yes');
  };
  expect(await move.differences()).toEqual([]);
  await plant(
    ['ZADD', 'zset', 2, 'a'],
    ['XGROUP', 'SETID', 'log', 'readers', '1-1'],
    ['PEXPIRE', 'mortal', 800_000],
    ['DEL', 'big 7'],
    ['SETRANGE', 'big 8', 5_000, 'x'],
    ['SET', 'too much', 'x'],
    ['SELECT', 5],
    ['SET', 'elsewhere', 'x'],
    ['SELECT', 0],
  );
  const keys = ['big 7', 'big 8', 'log', 'mortal', 'too much', 'zset'];
  expect((await move.differences()).sort()).toEqual([
    ...keys.map((key) => `database 0: the key ${key} differs`),
    'database 5: the key elsewhere differs',
  ]);
  await move.app.del('big 7', 'big 8', 'log', 'mortal', 'zset');
  await plant(['DEL', 'too much'], ['SELECT', 5], ['DEL', 'elsewhere'], ['SELECT', 0]);
  expect(await move.differences()).toEqual([]);
});

test('a stream that is lost and copied anew again and again stops the move', async () => {
  await ask(admin, 'CONFIG', 'SET', 'repl-backlog-size', '16kb');
  const begun = await copiesBegun();
  for (let n = 1; n <= 4; n++) {
    move.tunnel.cut();
    for (let i = 0; i < 8; i++) await move.app.set('filler', randomBytes(1_000_000));
    await waitFor(async () => (await copiesBegun()) >= begun + n, { timeout: 20_000, what: 'another copy' });
  }
  await expect(move.target.healthy()).rejects.toMatchObject({ code: 'engine_refused' });
  await ask(admin, 'CONFIG', 'SET', 'repl-backlog-size', '32mb');
  await move.follow();
  await move.target.healthy();
}, 60_000);

test('users changed between the rehearsal and the freeze stop the switch', async () => {
  await move.ready();
  await ask(admin, 'ACL', 'SETUSER', 'late', 'on', '>x', '+@read', '~*');
  const proof = Promise.withResolvers<string | null>();
  const applied = move.target.applied(move.migration, 1, soon(), proof.promise);
  applied.catch(() => {});
  await move.source.fence(soon());
  proof.resolve((await move.source.mark(move.migration, 1, soon())) ?? null);
  await expect(applied).rejects.toMatchObject({ code: 'schema_changed' });
  await move.source.unfence();
});

test('a crash of the target between the marker and its activation loses nothing, and nothing is copied over it then', async () => {
  // An app that keeps nothing on the disk itself: its source does not crash, and so forgets nothing.
  await ask(admin, 'CONFIG', 'SET', 'appendonly', 'no', 'save', '');
  const writers = new Writers([await writer()], 5_000);
  await writers.reached(10);
  await move.ready();
  const proof = Promise.withResolvers<string | null>();
  const applied = move.target.applied(move.migration, 2, soon(), proof.promise);
  await move.source.fence(soon());
  writers.stop();
  proof.resolve((await move.source.mark(move.migration, 2, soon())) ?? null);
  await applied;
  await move.source.seal();
  await stopServer(move.there, 'SIGKILL');
  await engine.start(move.there);
  await move.target[Symbol.asyncDispose]();
  await move.target.activate(2);
  const opened = await move.servers.client(move.there, 'admin');
  expect(await ask(opened, 'CONFIG', 'GET', 'append*')).toEqual(expect.arrayContaining(['no', 'everysec']));
  const moved = await move.servers.client(move.there);
  for (const [id, value] of writers.acknowledged) expect(await moved.get(`item:${id}`)).toBe(value);
  await moved.set('new side', 'open');
  await expect(move.follow()).rejects.toMatchObject({ code: 'engine_refused' });
  expect(await moved.get('new side')).toBe('open');
  await writers.ended();
});

test('a source is told how slow the copy will be, keeps the more for it, and says how slow it may become', async () => {
  const slow = await Move.begin();
  try {
    const server = await slow.servers.client(slow.here, 'admin');
    const limit = async () => {
      const [, limits] = await ask<string[]>(server, 'CONFIG', 'GET', 'client-output-buffer-limit');
      return Number(/slave (\d+)/.exec(limits!)![1]);
    };
    await slow.app.set('big', randomBytes(1_000_000));
    await slow.source.open(slow.migration, null);
    const before = await limit();
    slow.ticket = (await slow.source.open(slow.migration, 100)).ticket;
    expect(await limit()).toBeGreaterThan(2 * before);
    const told: number[] = [];
    const from = { ...(({ host, port }) => ({ host, port }))(slow.tunnel), atLeast: (rate: number) => told.push(rate) };
    await slow.target.copy(slow.migration, slow.ticket, from as never, () => {}, never);
    expect(told).toEqual([expect.any(Number)]);
    expect(told[0]).toBeGreaterThan(0);
    await slow.source.close(slow.migration);
    expect(await limit(), 'as it was before').toBeLessThanOrEqual(before);
  } finally {
    await slow.dispose();
  }
}, 60_000);
