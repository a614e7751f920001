import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSigned } from '../../../../../test/e2e/stage/self-signed.ts';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import type { FollowTicket, SourceEndpoint, SourceStore, TargetStore } from '../../../store.ts';
import { never, soon } from '../../conformance/rig.ts';
import { wayTo } from '../../conformance/way-to.ts';
import { waits } from '../../conformance/writers.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { sparing } from '../../sparing.ts';
import { engine } from '../engine.ts';
import { canonical } from '../surroundings.ts';
import { Servers } from '../testing/servers.ts';

/** One story: an encrypted server that Storky does not run, followed live by one that it runs. */
let managed: ManagedRedis;
const servers = new Servers();
let here: DatabaseInstance;
let there: DatabaseInstance;
let source: SourceStore;
let target: TargetStore;
let from: SourceEndpoint & { close(): void };
let ticket: FollowTicket;
let app: Redis;
let usersBefore: string[];
let settingsBefore: unknown;
const migration = crypto.randomUUID();
const order = () => ({ app: 'shop', addon: 'cache', ...managed.app, folder: servers.folder });

beforeAll(async () => {
  const { cert, key } = await selfSigned('localhost');
  managed = await ManagedRedis.start({ tls: { cert, key } });
  const ca = join(servers.folder, 'ca.pem');
  writeFileSync(ca, cert);
  [usersBefore, settingsBefore] = [await users(), await settings()];
  here = await engine.adopt!({ ...order(), address: managed.address(`?cacert=${ca}`) });
  app = managed.client();
  await app.set('kept', 'before');
  there = await servers.provision('there');
  [source, target, from] = [engine.source(here), engine.target(there), await wayTo(engine, here)];
}, 60_000);
afterAll(async () => {
  app?.disconnect();
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  from?.close();
  await servers.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it('is encrypted, and only for whom its certificate is', async () => {
  const plain = managed.address().replace('rediss', 'redis');
  await expect(engine.adopt!({ ...order(), address: plain })).rejects.toMatchObject({ code: 'engine_refused' });
  const other = join(servers.folder, 'other.pem');
  writeFileSync(other, (await selfSigned('localhost')).cert);
  for (const query of ['', `?cacert=${other}`])
    await expect(engine.adopt!({ ...order(), address: managed.address(query) })).rejects.toThrow(/certificate/);
  const unproven = await engine.adopt!({ ...order(), address: managed.address('?insecure=yes') });
  expect(unproven).toMatchObject({ version: here.version, external: { parameters: { insecure: 'yes' } } });
  expect(engine.environment(here).url).toMatch(/^rediss:/);
  expect([await users(), await settings()]).toEqual([usersBefore, settingsBefore]);
});

it('is copied and followed through a way that speaks plainly, with accounts that may do nothing with the new server', async () => {
  expect((await source.check()).filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  ticket = JSON.parse(JSON.stringify((await source.open(migration)).ticket));
  expect(JSON.stringify(ticket)).not.toContain(managed.admin.password);
  await target.copy(migration, ticket, from, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, from, never);
  await app.set('kept', 'followed');
  await app.hset('many', Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`field ${n}`, `${n}`])));
  await app.xadd('events', '*', 'what', 'happened');
  await target.rehearse(migration, from, never);
  expect(await compared()).toEqual([]);
  const admin = await servers.client(there, 'admin');
  await admin.config('SET', 'replica-read-only', 'no');
  await admin.hset('many', 'field 7', '8');
  expect(await compared()).toEqual(['database 0: the key many differs']);
  await admin.hset('many', 'field 7', '7');
  await admin.config('SET', 'replica-read-only', 'yes');
  const moved = (await admin.call('ACL', 'LIST')) as string[];
  expect(moved.some((line) => line.startsWith('user keeper '))).toBe(false);
  expect(await admin.call('ACL', 'DRYRUN', 'provider', 'CLIENT', 'UNPAUSE')).toMatch(/no permissions/);
  expect(await admin.call('ACL', 'DRYRUN', managed.app.user, 'SET', 'a', '1')).toBe('OK');
});

it('is fenced for every writer, and goes on when the switch backs out', async () => {
  await source.ready(migration);
  await source.fence(soon());
  const late = app.set('kept', 'waited');
  expect(await waits(late)).toBe(true);
  await source.unfence();
  await late;
});

it('is sealed for all but its administrator, through a crash of it; unseal gives back exactly what was', async () => {
  await target.rehearse(migration, from, never);
  await source.ready(migration);
  const proof = Promise.withResolvers<string | null>();
  const applied = target.applied(migration, 1, soon(), proof.promise);
  await source.fence(soon());
  proof.resolve((await source.mark(migration, 1, soon()))!);
  await applied;
  await source.seal();
  await expect.poll(() => app.status).toBe('end');
  await expect(managed.client().get('kept')).rejects.toThrow();
  await managed.kill();
  // Who runs it is shut out like everybody else.
  await managed.begin(managed.admin);
  await expect(managed.client().get('kept')).rejects.toThrow();
  await source[Symbol.asyncDispose]();
  source = engine.source(here);
  await source.unfence();
  app = managed.client();
  expect(await app.get('kept')).toBe('waited');
  expect((await users()).filter((line) => !line.startsWith('user storky_r_'))).toEqual(usersBefore);
});

it('what the move made goes with it, and the server runs on', async () => {
  await target.close(migration);
  await source.close(migration);
  expect([await users(), await settings()]).toEqual([usersBefore, settingsBefore]);
  await sparing(engine).stop(here);
  await sparing(engine).destroy(here);
  expect(managed.running).toBe(true);
  await app.set('kept', 'still');
});

const compared = async () => (await target.verify(migration, ticket, from, () => {}, never)).differences;
const users = async () => ((await managed.asProvider('ACL', 'LIST')) as string[]).map(canonical).sort();
const settings = async () => {
  const pairs = (await managed.asProvider('CONFIG', 'GET', 're*', 'client*')) as string[];
  return Object.fromEntries(pairs.flatMap((name, n) => (n % 2 === 0 ? [[name, pairs[n + 1]]] : [])));
};
