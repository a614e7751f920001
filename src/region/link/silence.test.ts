import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StorkyError } from '../../protocol/errors.ts';
import { TestAuthority } from './authority.test-support.ts';
import { LinkClient } from './link-client.ts';
import { granted, listenAs, type TestRegion } from './two-regions.test-support.ts';

const beatMs = 60;
const store = { kind: 'store' as const, ...granted, store: 'db' };
let home: TestRegion;
let client: LinkClient;
let cable: Server;
let cutCable: () => void;
const serverSaw: Promise<unknown>[] = [];

beforeAll(async () => {
  const authority = await TestAuthority.create();
  const echo = async (_hello: unknown, stream: Duplex) => {
    serverSaw.push(once(stream, 'error').then(([error]) => error));
    stream.pipe(stream);
    await once(stream, 'close').catch(() => {});
  };
  home = await listenAs('osc-fr1', authority, { store: echo }, { tuning: { beatMs } });
  client = new LinkClient(await authority.issue('osc-secnum-fr1'), { beatMs });
  const ends: Socket[] = [];
  // A cable that can be cut so that neither end is told, as by a dead switch or a stopped machine.
  cable = createServer((near) => {
    const far = connect(home.address.port, '127.0.0.1');
    near.pipe(far).pipe(near);
    ends.push(near, far);
    for (const end of [near, far]) end.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(cable, 'listening');
  cutCable = () => {
    for (const end of ends) end.unpipe().pause();
  };
});
afterAll(async () => {
  await home.listener.close();
  cable.close();
});

const open = () => client.open({ ...home.address, port: (cable.address() as AddressInfo).port }, store);

test('an idle link stays', async () => {
  const stream = await open();
  await sleep(8 * beatMs);
  stream.end('still here');
  expect(Buffer.concat(await stream.toArray()).toString()).toBe('still here');
});

test('a reader that waits for long is not taken for a dead peer', async () => {
  const stream = await open();
  const piece = Buffer.alloc(1024 * 1024);
  for (let sent = 0; sent < 16; sent++) stream.write(piece);
  await sleep(8 * beatMs);
  stream.end();
  let got = 0;
  for await (const chunk of stream) got += chunk.length;
  expect(got).toBe(16 * piece.length);
});

test('a link that was cut without a word is noticed by both sides', async () => {
  const stream = await open();
  const clientSaw = once(stream, 'error') as Promise<[StorkyError]>;
  const last = serverSaw.at(-1)!;
  stream.write('ping');
  await once(stream, 'data');
  const since = performance.now();
  cutCable();
  expect((await clientSaw)[0]).toMatchObject({ code: 'link_lost', fields: { peer: 'osc-fr1' } });
  expect(await last).toMatchObject({ code: 'link_lost', fields: { peer: 'osc-secnum-fr1' } });
  expect(performance.now() - since).toBeLessThan(20 * beatMs);
});
