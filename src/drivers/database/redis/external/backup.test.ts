import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ManagedRedis } from '../../../../../test/support/managed-redis.ts';
import { never } from '../../conformance/rig.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { stopServer } from '../server/server.ts';
import { digestsOf } from '../testing/digests-of.ts';
import { Servers } from '../testing/servers.ts';
import { adminOf, withClient } from '../wire/connect.ts';

/** A provider that lets nobody follow, and gives the customer reading rights only. */
let managed: ManagedRedis;
let here: DatabaseInstance;
let there: DatabaseInstance;
const servers = new Servers();

beforeAll(async () => {
  managed = await ManagedRedis.start({
    settings: { 'rename-command': 'PSYNC ""', 'maxmemory-policy': 'allkeys-lfu', maxmemory: '100mb' },
    keeper: '~* -@all +info +multi +discard +select +scan +dump +pexpiretime +function|dump',
  });
  const order = { app: 'shop', addon: 'cache', ...managed.app, folder: servers.folder };
  here = await engine.adopt!({ ...order, address: managed.address() });
  there = await servers.provision('there');
  const app = managed.client();
  await app.set(Buffer.from([0xff, 0, 10]), Buffer.from([0, 1, 0xfe]), 'PX', 3_600_000);
  await app.set('large', Buffer.alloc(6_000_000, 'x'));
  await app.rpush('list', ...Array.from({ length: 3_000 }, (_, n) => `${n}`));
  await app.zadd('scores', 1.1, 'a', Number.POSITIVE_INFINITY, 'b');
  await app.xadd('events', '1-1', 'what', 'happened');
  await app.xgroup('CREATE', 'events', 'readers', '0');
  await app.xreadgroup('GROUP', 'readers', 'one', 'STREAMS', 'events', '>');
  await app.select(7);
  for (let n = 0; n < 2_500; n++) void app.hset(`key ${n}`, 'field', `value ${n}`);
  await app.call('FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('one', function() return 1 end)");
  app.disconnect();
}, 60_000);
afterAll(async () => {
  await servers.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it('is not followed, says why, and comes whole out of a backup: every byte, time and function', async () => {
  await using source = engine.source(here);
  const failed = (await source.check()).filter(({ verdict }) => verdict === 'fail').map(({ id }) => id);
  expect(failed).toContain('replication');
  expect(failed).not.toContain('right-backup');
  await using target = engine.target(there);
  // Twice: what an attempt has left does not stay.
  for (const key of ['of an earlier attempt', 'of another']) {
    await withClient(adminOf(there), 'test', (client) => client.set(key, '1'));
    await target.restore(await source.backup(), () => {}, never);
  }
  await target.standby();
  const theirs = await digestsOf(managed.client());
  expect(theirs.size).toBe(2_505);
  expect(await digestsOf(await servers.client(there, 'admin'))).toEqual(theirs);
  const admin = await servers.client(there, 'admin');
  expect(await admin.call('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lfu']);
  expect(await admin.call('FUNCTION', 'LIST')).toHaveLength(1);
});

it('what was restored outlives a crash of the server', async () => {
  const before = await digestsOf(await servers.client(there, 'admin'));
  await stopServer(there, 'SIGKILL');
  await engine.start(there);
  expect(await digestsOf(await servers.client(there, 'admin'))).toEqual(before);
});

it('a dump that breaks off is never taken for a whole one', async () => {
  await using source = engine.source(here);
  const whole = await bytesOf(await source.backup());
  const target = engine.target(await servers.provision('third'));
  for (const length of [40, whole.indexOf(10) + 1, 100_000, whole.length - 17, whole.length - 1]) {
    const cut = new PassThrough();
    cut.end(whole.subarray(0, length));
    await expect(
      target.restore(cut, () => {}, never),
      `${length}`,
    ).rejects.toThrow();
  }
  await target[Symbol.asyncDispose]();
});

it('a right that is missing for it is named, and the server is left behind open where nobody may close it', async () => {
  await managed.asProvider('ACL', 'SETUSER', 'keeper', '-dump');
  await using source = engine.source(here);
  const findings = await source.check();
  expect(findings.find(({ id }) => id === 'right-backup')).toMatchObject({
    verdict: 'fail',
    remedy: expect.stringContaining('+dump'),
  });
  await expect(bytesOf(await source.backup())).rejects.toThrow(/dump/);
  await source.seal();
  await source.unfence();
  expect(await managed.as(managed.app, 'SET', 'a', '1')).toBe('OK');
});

async function bytesOf(dump: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  dump.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(dump, 'end');
  return Buffer.concat(chunks);
}
