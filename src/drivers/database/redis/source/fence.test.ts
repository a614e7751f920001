import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { soon } from '../../conformance/rig.ts';
import { waits } from '../../conformance/writers.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { canonical } from '../surroundings.ts';
import { Move } from '../testing/servers.ts';
import { ask, type Client } from '../wire/connect.ts';

let move: Move;
let admin: Client;
beforeAll(async () => {
  move = await Move.begin();
  admin = await move.servers.client(move.here, 'admin');
  await move.copy();
});
afterAll(() => move?.dispose());

const another = () => move.servers.client(move.here);
const mark = () => move.source.mark(move.migration, 1, soon());

test('every kind of write waits, keys expire for nobody but readers, and all goes on when the switch backs out', async () => {
  const [script, message, transaction, root] = [await another(), await another(), await another(), admin];
  await move.app.set('short', 'x', 'PX', 120);
  await move.ready();
  await move.source.fence(soon());
  const offset = await streamOffset();
  const writes = [
    move.app.set('a', '1'),
    script.eval(`return redis.call('SET', 'b', '2')`, 0),
    message.publish('news', 'x'),
    transaction.multi().set('c', '3').incr('d').exec(),
  ];
  expect(await Promise.all(writes.map((write) => waits(write)))).toEqual([true, true, true, true]);
  const reader = await another();
  expect([await reader.get('a'), await reader.get('short')]).toEqual([null, null]);
  expect(await streamOffset()).toBe(offset);
  const late = root.set('e', '5');
  expect(await waits(late)).toBe(true);
  await mark();
  await move.source.unfence();
  await Promise.all([...writes, late]);
  expect(await reader.mget('a', 'b', 'c', 'd', 'e')).toEqual(['1', '2', '3', '1', '5']);
  expect(await ask(root, 'CONFIG', 'GET', 'repl-ping-replica-period')).toEqual(['repl-ping-replica-period', '10']);
});

test.each(['before the marker was told', 'after it'])(
  'a pause that ran out %s is found out at the seal by what was written then, and the switch does not go on',
  async (when) => {
    await move.ready();
    await move.source.fence(soon());
    if (when === 'after it') await mark();
    // As if this agent had stood still for longer than the pause.
    await ask(admin, 'CLIENT', 'UNPAUSE');
    await move.app.set(`late, ${when}`, 'acknowledged');
    if (when !== 'after it') await mark();
    await expect(move.source.seal()).rejects.toMatchObject({ code: 'timeout' });
    await move.source.unfence();
    move.app = await another();
    expect(await move.app.get(`late, ${when}`)).toBe('acknowledged');
  },
);

test('a pause whose agent died ends by itself', async () => {
  await move.ready();
  await move.source.fence(soon(100));
  await move.source[Symbol.asyncDispose]();
  const began = performance.now();
  await move.app.set('waited', 'for the end of the pause');
  expect(performance.now() - began).toBeLessThan(5_000);
  await move.source.unfence();
});

test('a script in the way is backed out of at the deadline, and never ended', async () => {
  await ask(admin, 'CONFIG', 'SET', 'busy-reply-threshold', '50');
  await move.ready();
  const slow = await another();
  const script = slow.eval(
    `local t = redis.call('TIME'); local function ms(t) return t[1] * 1000 + t[2] / 1000 end
    while ms(redis.call('TIME')) - ms(t) < 1500 do end; return redis.call('SET', 'slow', 'done')`,
    0,
  );
  await sleep(100);
  await expect(move.source.fence(soon(400))).rejects.toMatchObject({ code: 'long_transaction' });
  await script;
  await move.source.unfence();
  await move.app.set('a', '2');
  expect(await move.app.get('slow')).toBe('done');
  await ask(admin, 'CONFIG', 'SET', 'busy-reply-threshold', '5000');
});

test('what is still under way when the switch backs out does not fence or seal afterwards', async () => {
  await move.ready();
  void move.source.fence(soon()).catch(() => {});
  await move.source.unfence();
  await move.app.set('a', '3');
  await move.ready();
  await move.source.fence(soon());
  void mark().catch(() => {});
  void move.source.seal().catch(() => {});
  await move.source.unfence();
  move.app = await another();
  await move.app.set('a', '4');
});

test('nobody who is not followed is switched', async () => {
  const { migration } = move;
  await expect(move.source.ready('00000000-0000-4000-8000-00000000dead')).rejects.toMatchObject({
    code: 'not_in_sync',
  });
  // The seal before cut the follower off, which comes back by itself.
  await waitFor(() => move.source.ready(migration).then(() => true));
});

test('a seal outlives the agent and a crash of the server; unfence gives back exactly what was', async () => {
  await ask(admin, 'ACL', 'SETUSER', 'former', 'off', '>x', '+@all', '~*');
  const before = (await ask<string[]>(admin, 'ACL', 'LIST')).map(canonical).sort();
  await move.ready();
  await move.source.fence(soon());
  await mark();
  const lost = move.app.set('a', '5').catch((error: Error) => error.message);
  await move.source.seal();
  expect(await lost).toMatch(/closed/i);
  await move.source[Symbol.asyncDispose]();
  await stopServer(move.here, 'SIGKILL');
  await engine.start(move.here);
  await expect(another()).rejects.toThrow(/WRONGPASS|disabled/);
  const nameless = move.servers.client(move.here, { user: 'default', password: move.here.password });
  await expect(nameless).rejects.toThrow(/WRONGPASS|disabled/);
  move.source = engine.source(move.here);
  await move.source.close(move.migration);
  await expect(another()).rejects.toThrow();
  await engine.source(move.here).unfence();
  expect(await (await another()).get('a')).toBe('4');
  admin = await move.servers.client(move.here, 'admin');
  const after = (await ask<string[]>(admin, 'ACL', 'LIST')).map(canonical).sort();
  expect(after).toEqual(before.filter((line) => !line.startsWith('user storky_r_')));
});

async function streamOffset(): Promise<string> {
  return /master_repl_offset:(\d+)/.exec(await ask<string>(admin, 'INFO', 'replication'))![1]!;
}
