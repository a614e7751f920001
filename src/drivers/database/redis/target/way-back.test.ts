import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { Pair, type Side } from '../../conformance/pair.ts';
import { never } from '../../conformance/rig.ts';
import { Writers } from '../../conformance/writers.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { canonical, readSurroundings } from '../surroundings.ts';
import { subject } from '../testing/subject.ts';
import { adminOf, ask, type Client, connect, withClient } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

/** `paris` serves first, `lyon` after the switch. */
let pair: Pair;
let paris: Side;
let lyon: Side;
const clients: Client[] = [];

beforeEach(async () => {
  pair = new Pair(subject);
  await pair.begin();
  [paris, lyon] = [pair.serving, pair.copy];
  await pair.prepareWayBack();
}, 60_000);
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await pair.dispose();
});

const client = async ({ instance: { host, port, user, password } }: Side, as = { user, password }) => {
  const opened = await connect({ host, port, ...as }, 'test');
  clients.push(opened);
  return opened;
};
const admin = <T>({ instance }: Side, use: (client: Client) => Promise<T>) =>
  withClient(adminOf(instance), 'test', use);
const copiesBegun = async (side: Side) => Number((await admin(side, (one) => infoOf(one, 'stats'))).sync_full);
const setting = async (side: Side, name: string) =>
  (await admin(side, (one) => ask<string[]>(one, 'CONFIG', 'GET', name)))[1];
const crash = async ({ instance }: Side) => {
  await stopServer(instance, 'SIGKILL');
  await engine.start(instance);
};
const switchOver = async () => {
  await pair.makeReady();
  await pair.freeze();
  return await pair.decide();
};
const goBack = async () => {
  await pair.copy.target.standby();
  await pair.prepareWayBack();
  return await switchOver();
};
const followBack = async () => {
  await pair.beginWayBack(null);
  await pair.follow();
};
const caughtUp = () => pair.copy.target.rehearse(pair.stream.id, pair.serving.endpoint, never);
const written = async (side: Side, count = 30) => {
  const writers = new Writers([await pair.items(side)], 1_000);
  await writers.reached(count);
  await writers.ended();
  return writers.acknowledged;
};
const holds = async (side: Side, ledger: Map<number, string>) => {
  const values = await admin(side, (one) => one.mget([...ledger.keys()].map((id) => `item:${id}`)));
  expect(values).toEqual([...ledger.values()]);
};

test('what the new side takes at once is sent, and nothing else, though keys end and time passes meanwhile', async () => {
  const app = await client(paris);
  for (let n = 0; n < 50; n++) await app.set(`short ${n}`, 'x', 'PX', 400);
  await app.set('long', 'x', 'PX', 900_000);
  const done = await switchOver();
  const ledger = await written(lyon);
  await pair.tidy(done);
  const moved = await client(lyon);
  await waitFor(async () => (await moved.keys('short*')).length === 0, { what: 'the end of the short keys' });
  await followBack();
  await caughtUp();
  expect(await copiesBegun(lyon)).toBe(0);
  await holds(paris, ledger);
  expect(await pair.differences()).toEqual([]);
  await goBack();
  const back = await client(paris);
  expect(await back.pexpiretime('long')).toBe(await admin(lyon, (one) => one.pexpiretime('long')));
  await pair.beginWayBack(null);
  expect(await copiesBegun(paris)).toBe(1);
}, 60_000);

test('kill -9 of the new side after its first writes: everything is copied back, and nothing is lost', async () => {
  await switchOver();
  const ledger = await written(lyon);
  await crash(lyon);
  await pair.forget(lyon);
  const later = await written(lyon, 10);
  await followBack();
  await caughtUp();
  await holds(paris, new Map([...ledger, ...later]));
  expect(await pair.differences()).toEqual([]);
}, 60_000);

test('kill -9 of the old side, at any point of the way back, and of its agent with it: it stays shut and goes on', async () => {
  await switchOver();
  const ledger = await written(lyon);
  await crash(paris);
  await expect(client(paris)).rejects.toThrow(/WRONGPASS/);
  const nobody = { host: '127.0.0.1', port: 1, openStream: paris.endpoint.openStream };
  const { id, ticket } = pair.stream;
  const early = paris.wayBack.begin(id, ticket, nobody, null, AbortSignal.timeout(1_000));
  await expect(early).rejects.toThrow();
  await crash(paris);
  await pair.forget(paris);
  await followBack();
  await crash(paris);
  await pair.forget(paris);
  await expect(client(paris)).rejects.toThrow(/WRONGPASS/);
  for (const [key, value] of await written(lyon, 50)) ledger.set(key, value);
  await followBack();
  await caughtUp();
  await holds(paris, ledger);
  await goBack();
  await holds(paris, ledger);
  await (await client(paris)).set('open', 'again');
}, 60_000);

test('users and settings that are changed on the new side come back with the switch back, and not before', async () => {
  await switchOver();
  await followBack();
  const before = await setting(lyon, 'appendonly');
  await admin(lyon, async (one) => {
    await ask(one, 'ACL', 'SETUSER', 'reports', 'on', '>r', '~*', '+@read');
    await ask(one, 'ACL', 'SETUSER', paris.instance.user, '>another');
    await ask(one, 'CONFIG', 'SET', 'notify-keyspace-events', 'KEA', 'appendonly', 'no');
  });
  expect(before).toBe('yes');
  await pair.follow();
  const shut = { user: 'reports', password: 'r' };
  await expect(client(paris, shut)).rejects.toThrow(/WRONGPASS/);
  await expect(client(paris)).rejects.toThrow(/WRONGPASS/);
  await goBack();
  expect(await (await client(paris, shut)).get('item:1')).toBe('before 1');
  await client(paris, { user: paris.instance.user, password: 'another' });
  expect(await setting(paris, 'appendonly')).toBe('no');
  expect(await setting(paris, 'notify-keyspace-events')).toBe('AKE');
  await pair.beginWayBack(null);
  await pair.follow();
  const [here, there] = await Promise.all([paris, lyon].map((side) => admin(side, readSurroundings)));
  expect(there!.users.map((line) => canonical(line.replace(' off ', ' on '))).sort()).toEqual(
    here!.users.map(canonical).sort(),
  );
  expect(there!.users.filter((line) => line.includes(' on '))).toEqual([]);
}, 60_000);

test('an agent that starts again between the seal of one side and the opening of the other opens it for the app all the same', async () => {
  const cutShort = async () => {
    await pair.makeReady();
    await pair.freeze();
    const { serving, copy } = pair;
    await serving.source.seal();
    // Its agent is killed and started again: it takes following up, and is told to open then.
    await pair.forget(copy);
    await pair.follow();
    await copy.target.activate(pair.epoch);
    expect(await (await client(copy)).set('written', 'x')).toBe('OK');
    await pair.decide();
  };
  await cutShort();
  await followBack();
  await pair.copy.target.standby();
  await pair.prepareWayBack();
  await cutShort();
}, 60_000);

test('a seal that is taken back costs no copy, and the next attempt works', async () => {
  await pair.makeReady();
  await pair.freeze();
  await paris.source.seal();
  await pair.forget(paris);
  await paris.source.unfence();
  const app = await client(paris);
  await app.set('serves', 'again');
  await pair.prepareWayBack();
  await switchOver();
  expect(await (await client(lyon)).get('serves')).toBe('again');
  expect(await copiesBegun(paris)).toBe(1);
}, 60_000);

test('a cache that is stopped between the seal and the decision has all that it had, by its own settings', async () => {
  await pair.dispose();
  pair = new Pair({ ...subject, names: { ...subject.names, plan: 'cache-512' } });
  await pair.begin();
  await pair.prepareWayBack();
  const { serving: cache } = pair;
  expect(await setting(cache, 'appendonly')).toBe('no');
  await pair.makeReady();
  await pair.freeze();
  await cache.source.seal();
  await stopServer(cache.instance);
  await engine.start(cache.instance);
  await pair.forget(cache);
  await cache.source.unfence();
  const items = await pair.items(cache);
  expect(await items.read(7)).toBe('before 7');
  await items.write(7, 'serves again');
}, 60_000);

test('nothing but the way back changes the side that was left, and it is not opened while it follows', async () => {
  const forward = pair.stream;
  const done = await switchOver();
  await pair.tidy(done);
  const again = (await lyon.source.open('another stream')).ticket;
  await expect(paris.target.follow('another stream', again, lyon.endpoint, never)).rejects.toThrow(/way back/);
  await expect(lyon.wayBack.begin(forward.id, forward.ticket, paris.endpoint, null, never)).rejects.toThrow(
    /no switch/,
  );
  await followBack();
  await expect(paris.source.unfence()).rejects.toThrow(/Switch in the other direction|follows/);
  await paris.target.close(forward.id);
  await paris.source.close(forward.id);
  await caughtUp();
  await lyon.source.close('another stream');
  await caughtUp();
}, 60_000);

test('a link that is away for a while costs no copy; one that is away too long costs one', async () => {
  await switchOver();
  await followBack();
  const app = await client(lyon);
  pair.cut();
  await app.set('while', 'cut');
  await caughtUp();
  expect(await copiesBegun(lyon)).toBe(0);
  await admin(lyon, (one) => ask(one, 'CONFIG', 'SET', 'repl-backlog-size', '16kb'));
  await stopServer(paris.instance);
  for (let n = 0; n < 20; n++) await app.set('filler', 'x'.repeat(100_000));
  await app.set('while', 'away');
  await engine.start(paris.instance);
  await pair.forget(paris);
  await followBack();
  await caughtUp();
  expect(await copiesBegun(lyon)).toBe(1);
  expect(await admin(paris, (one) => one.get('while'))).toBe('away');
}, 60_000);

test('the proof uses no copy, fails where the account is gone or the stream stands, and leaves no replica', async () => {
  const { id, ticket } = pair.back!;
  await paris.wayBack.prove(id, ticket, lyon.endpoint, never);
  expect(await copiesBegun(lyon)).toBe(0);
  await waitFor(async () => (await admin(lyon, (one) => infoOf(one, 'replication'))).connected_slaves === '0', {
    what: 'the end of the probe',
  });
  const wrong = { ...ticket, password: 'wrong' };
  await expect(paris.wayBack.prove(id, wrong, lyon.endpoint, never)).rejects.toThrow();
  await lyon.target.close(pair.stream.id);
  await lyon.target.standby();
  await expect(paris.wayBack.prove(id, ticket, lyon.endpoint, never)).rejects.toMatchObject({ code: 'engine_refused' });
}, 60_000);
