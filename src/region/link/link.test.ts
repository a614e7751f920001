import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StorkyError } from '../../protocol/errors.ts';
import { TestAuthority } from './authority.test-support.ts';
import { answerJson } from './handlers.ts';
import { LinkClient } from './link-client.ts';
import { granted, twoRegions } from './two-regions.test-support.ts';

const store = { kind: 'store' as const, ...granted, store: 'db' };
let serve: (stream: Duplex) => Promise<void> = async () => {};
let world: Awaited<ReturnType<typeof twoRegions>>;
beforeAll(async () => {
  world = await twoRegions({
    store: (_hello, stream) => serve(stream),
    part: answerJson(async (hello, peer) => ({ part: hello.part, peer })),
    ticket: answerJson(async () => {
      throw new StorkyError('engine_refused', { engine: 'The database', detail: 'no slot is free', hint: '' });
    }),
  });
});
afterAll(() => world.home.listener.close());

const open = (hello: Parameters<LinkClient['open']>[1] = store) => world.client.open(world.home.address, hello);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as StorkyError,
  );
const nothingOpen = () =>
  expect.poll(() => world.client.openStreams + world.home.server.open, { timeout: 3000 }).toBe(0);

test('one JSON value crosses, and the server knows who asked', async () => {
  const answer = await world.client.openJson(world.home.address, { kind: 'part', ...granted, part: 'environment' });
  expect(answer).toEqual({ part: 'environment', peer: 'osc-secnum-fr1' });
  await nothingOpen();
});

test('an error of the other side arrives with its code', async () => {
  const asked = world.client.openJson(world.home.address, { kind: 'ticket', ...granted, store: 'db' });
  expect(await caught(asked)).toMatchObject({ code: 'engine_refused', fields: { detail: 'no slot is free' } });
  await nothingOpen();
});

test('what no migration grants is refused', async () => {
  const hello = { ...store, migration: '00000000-0000-4000-8000-000000000000' };
  expect(await caught(open(hello))).toMatchObject({ code: 'not_granted', fields: { peer: 'osc-secnum-fr1' } });
});

test('a kind that nobody serves is refused', async () => {
  expect(await caught(open({ kind: 'switch', ...granted }))).toMatchObject({ code: 'unsupported' });
});

test('a certificate of another authority is refused, by either side', async () => {
  const other = await TestAuthority.create();
  const stranger = new LinkClient({ ...(await other.issue('osc-secnum-fr1')), ca: world.authority.ca });
  expect(await caught(stranger.open(world.home.address, store))).toMatchObject({ code: 'region_unreachable' });
  const misled = new LinkClient(await other.issue('osc-secnum-fr1'));
  expect(await caught(misled.open(world.home.address, store))).toMatchObject({ code: 'region_unreachable' });
});

test('another region at the address is not taken for the one that was meant', async () => {
  const error = await caught(world.client.open({ ...world.home.address, region: 'osc-fr2' }, store));
  expect(error).toMatchObject({ code: 'region_unreachable' });
  expect(error?.fields.detail).toContain('expected the certificate of osc-fr2, but osc-fr1 answered');
});

test('the caller may go on writing after the other side has ended', async () => {
  serve = async (stream) => {
    stream.end('first ');
    let rest = '';
    for await (const chunk of stream) rest += chunk;
    heard = rest;
  };
  let heard = '';
  const stream = await open();
  let answer = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) answer += chunk;
  stream.end('and later');
  await once(stream, 'close');
  await expect.poll(() => heard).toBe('and later');
  expect(answer).toBe('first ');
  await nothingOpen();
});

test('the other side may go on writing after the caller has ended', async () => {
  serve = async (stream) => {
    let question = '';
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) question += chunk;
    stream.end(`you said ${question}`);
  };
  const stream = await open();
  stream.end('hello');
  expect(Buffer.concat(await stream.toArray()).toString()).toBe('you said hello');
  await nothingOpen();
});

test('a side that dies in the middle is an error, never an end', async () => {
  serve = async (stream) => {
    stream.write('half of the dump');
    setTimeout(() => stream.destroy(), 20);
    await once(stream, 'close');
  };
  const stream = await open();
  stream.end();
  expect(await caught(stream.toArray())).toMatchObject({ code: 'link_lost', fields: { peer: 'osc-fr1' } });
  await nothingOpen();
});

test('aborting the signal ends the stream on both sides', async () => {
  const served = new Promise<void>((resolve) => {
    serve = async (stream) => {
      await once(stream.resume(), 'close').catch(() => {});
      resolve();
    };
  });
  const aborter = new AbortController();
  const stream = await world.client.open(world.home.address, store, aborter.signal);
  stream.on('error', () => {});
  aborter.abort();
  await served;
  expect(stream.destroyed).toBe(true);
  await nothingOpen();
});

test('a slow reader holds the writer back', async () => {
  let written = 0;
  const piece = Buffer.alloc(64 * 1024);
  function* pieces() {
    for (; written < 64 * 1024 * 1024; written += piece.length) yield piece;
  }
  serve = async (stream) => pipeline(pieces, stream).catch(() => {});
  const stream = await open();
  stream.on('error', () => {});
  await new Promise((resolve) => setTimeout(resolve, 500));
  // What the two streams, the two sockets and the kernel may hold; far from what the writer has.
  expect(written).toBeLessThan(24 * 1024 * 1024);
  stream.destroy();
  await nothingOpen();
});

test('nobody listening is an error that says where', async () => {
  const nowhere = { ...world.home.address, port: 1 };
  expect(await caught(world.client.open(nowhere, store))).toMatchObject({
    code: 'region_unreachable',
    fields: { region: 'osc-fr1', address: '127.0.0.1:1' },
    next: 'retry',
  });
});
