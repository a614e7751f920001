import { afterAll, beforeAll, expect, it } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { never, soon } from '../../conformance/rig.ts';
import type { DatabaseInstance, Offer } from '../../contract.ts';
import { engine } from '../engine.ts';
import { canonical } from '../surroundings.ts';
import { digestsOf } from '../testing/digests-of.ts';
import { Servers } from '../testing/servers.ts';

/** An empty server that Storky does not run is filled: from one that it runs, and from another that it does not run. */
let managed: ManagedRedis;
let other: ManagedRedis;
let own: DatabaseInstance;
const servers = new Servers();
const keeper = '~* &* +@all -config -replicaof -debug -bgsave -save -shutdown';
const offer = (change: Partial<Offer> = {}): Offer => ({
  ...{ addon: 'cache', address: managed.address(), version: own.version },
  ...change,
});
const order = (user: string, password: string) => ({
  ...{ app: 'shop', addon: 'cache', address: managed.address(), user, password },
  folder: servers.folder,
});

beforeAll(async () => {
  [managed, other] = await Promise.all([ManagedRedis.start({ keeper }), ManagedRedis.start({ keeper })]);
  own = await servers.provision('own');
  const clients = [await servers.client(own), other.client()];
  for (const client of clients) {
    await client.set('for ever', 'x');
    await client.set('for a while', 'y', 'PX', 3_600_000);
    await client.select(3);
    await client.rpush('list', 'a', 'b');
    await client.call('FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('one', function() return 1 end)");
  }
  clients[1]!.disconnect();
}, 60_000);
afterAll(async () => {
  await servers.dispose();
  await managed?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

it('says what an offer lacks, and changes nothing there', async () => {
  const before = await everything();
  expect(await failing()).toEqual([]);
  expect(await failing({ version: '99.0' })).toEqual(['version', 'redis-server']);
  await managed.asProvider('SET', 'a', '1');
  expect(await failing()).toEqual(['empty']);
  await expect(engine.take!(order('made', 'its password'))).rejects.toThrow(/not empty: it has 1 keys in database 0/);
  await managed.asProvider('DEL', 'a');
  await managed.asProvider('ACL', 'SETUSER', 'keeper', '-restore', '-acl|setuser');
  const lacking = await engine.checkOffer!(offer());
  for (const [id, rule] of [
    ['right-fill', '+restore'],
    ['right-accounts', '+acl|setuser'],
  ])
    expect(lacking.find((one) => one.id === id)?.remedy).toContain(rule);
  await managed.asProvider('ACL', 'SETUSER', 'keeper', '+restore', '+acl|setuser');
  expect((await everything()).users.length).toBe(before.users.length);
});

it('is filled from a server of Storky’s, refuses writers until it is opened, and is given back as it was', async () => {
  const before = await everything();
  const taken = await engine.take!(order('made', 'its password'));
  // As after an agent that died before it wrote down what it had taken.
  expect(await engine.take!(order('made', 'its password'))).toEqual(taken);
  await using source = engine.source(own);
  await using target = engine.target(taken);
  for (const _ of [1, 2]) await target.restore(await source.backup(), () => {}, never);
  await target.standby();
  const account = { user: 'made', password: 'its password' };
  expect(await managed.as(account, 'GET', 'for ever')).toBe('x');
  await expect(managed.as(account, 'SET', 'a', '1')).rejects.toThrow(/NOPERM/);
  await expect(managed.as(account, 'EVAL', "return redis.call('SET', 'a', '1')", '0')).rejects.toThrow(
    /can't run this command/,
  );
  expect(await digestsOf(managed.client(managed.admin))).toEqual(await digestsOf(await servers.client(own, 'admin')));
  expect(await managed.asProvider('FUNCTION', 'LIST')).toHaveLength(1);
  await engine.giveBack!(taken);
  await engine.giveBack!(taken);
  expect(await everything()).toEqual(before);
});

it('is filled from another that Storky does not run, and opened for the account that was there already', async () => {
  const { user, password } = managed.app;
  await expect(engine.take!(order(user, 'another password'))).rejects.toThrow(/cannot log in/);
  const rules = await everything();
  const taken = await engine.take!(order(user, password));
  expect(taken).toMatchObject({ version: own.version, external: { before: { account: expect.any(Array) } } });
  const here = await engine.adopt!({ ...order(user, password), ...other.app, address: other.address() });
  await using source = engine.source(here);
  await using target = engine.target(taken);
  await target.restore(await source.backup(), () => {}, never);
  await target.standby();
  await expect(managed.as(managed.app, 'SET', 'a', '1')).rejects.toThrow(/NOPERM/);
  await target.activate(1);
  await target.standby();
  expect(await managed.as(managed.app, 'SET', 'a', '1')).toBe('OK');
  expect((await everything()).users).toEqual(rules.users);
  await expect(target.restore(await source.backup(), () => {}, never)).rejects.toMatchObject({
    code: 'engine_refused',
  });
  await expect(target.applied('', 1, soon())).rejects.toMatchObject({ code: 'unsupported' });
});

const failing = async (change?: Partial<Offer>) =>
  (await engine.checkOffer!(offer(change))).filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);

async function everything() {
  const users = ((await managed.asProvider('ACL', 'LIST')) as string[]).map(canonical).sort();
  return { users, keys: await managed.asProvider('DBSIZE'), functions: await managed.asProvider('FUNCTION', 'LIST') };
}
