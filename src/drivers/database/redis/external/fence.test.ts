import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import type { SourceStore, TargetStore } from '../../../store.ts';
import { never, soon } from '../../conformance/rig.ts';
import { wayTo } from '../../conformance/way-to.ts';
import { engine } from '../engine.ts';
import { Servers } from '../testing/servers.ts';

/** A server whose settings nobody may change: its pings come in the freeze too, and are in the stream. */
let managed: ManagedRedis;
let servers: Servers;
let source: SourceStore;
let target: TargetStore;
let close: () => void;
const migration = crypto.randomUUID();

beforeEach(async () => {
  servers = new Servers();
  managed = await ManagedRedis.start({
    keeper: '~* &* +@all -config -replicaof',
    settings: { 'repl-ping-replica-period': '3600' },
  });
  const order = { app: 'shop', addon: 'cache', ...managed.app, folder: servers.folder };
  const here = await engine.adopt!({ ...order, address: managed.address() });
  [source, target] = [engine.source(here), engine.target(await servers.provision('there'))];
  const from = await wayTo(engine, here);
  close = () => from.close();
  const { ticket } = await source.open(migration);
  await target.copy(migration, ticket, from, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, from, never);
  await source.ready(migration);
}, 60_000);
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  close();
  await servers.dispose();
  await managed[Symbol.asyncDispose]();
});

const offset = async () =>
  Number(/master_repl_offset:(\d+)/.exec((await managed.asProvider('INFO', 'replication')) as string)![1]);
const pingEvery = (seconds: number) => managed.asProvider('CONFIG', 'SET', 'repl-ping-replica-period', `${seconds}`);

it('a ping of the server after the marker is nobody’s write, and a second one backs the switch out', async () => {
  await source.fence(soon(60_000));
  await source.mark(migration, 1, soon());
  const marked = await offset();
  await pingEvery(1);
  await waitFor(async () => (await offset()) > marked, { what: 'a ping' });
  await pingEvery(3600);
  if ((await offset()) - marked === 14) await source.seal();
  await source.unfence();

  await source.ready(migration).catch(() => {}); // the seal has cut the follower off
  await waitFor(
    () =>
      source.ready(migration).then(
        () => true,
        () => false,
      ),
    { what: 'the follower to be back' },
  );
  await source.fence(soon(60_000));
  await source.mark(migration, 2, soon());
  const again = await offset();
  await pingEvery(1);
  await waitFor(async () => (await offset()) - again >= 28, { what: 'two pings' });
  await expect(source.seal()).rejects.toMatchObject({ code: 'timeout' });
  await source.unfence();
  expect(await managed.as(managed.app, 'SET', 'a', '1')).toBe('OK');
});

it('what was written when the pause had run out is found out at the seal, and the switch does not go on', async () => {
  await source.fence(soon());
  await source.mark(migration, 1, soon());
  // As if this agent had stood still for longer than the pause.
  await managed.asProvider('CLIENT', 'UNPAUSE');
  await managed.as(managed.app, 'SET', 'late', 'acknowledged');
  await expect(source.seal()).rejects.toMatchObject({ code: 'timeout' });
  await source.unfence();
  expect(await managed.as(managed.app, 'GET', 'late')).toBe('acknowledged');
});
