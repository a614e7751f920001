import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTunnel, serveTunnel, type Tunnel } from './tunnel.ts';
import { granted, listenAs, twoRegions } from './two-regions.test-support.ts';

const hello = { kind: 'tunnel' as const, ...granted, store: 'db' };
let database: Server;
let serve: (socket: Socket) => void = () => {};
let world: Awaited<ReturnType<typeof twoRegions>>;
let tunnel: Tunnel;
const handlers = {
  tunnel: (_: unknown, stream: Parameters<typeof serveTunnel>[0]) =>
    serveTunnel(stream, { host: '127.0.0.1', port: portOf(database) }),
};
beforeAll(async () => {
  database = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  world = await twoRegions(handlers);
  tunnel = await openTunnel({ link: world.client, address: world.home.address, hello });
});
beforeEach(() => {
  serve = (socket) => void socket.pipe(socket);
});
afterAll(async () => {
  await tunnel.close();
  await world.home.listener.close();
  database.close();
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const dial = (port = tunnel.port) => connect({ host: '127.0.0.1', port, allowHalfOpen: true });
const nothingOpen = () => expect.poll(() => world.client.openStreams + world.home.server.open).toBe(0);

test('200 MB come through unchanged, in memory that does not grow with them', { timeout: 30_000 }, async () => {
  const piece = randomBytes(1024 * 1024);
  const sent = createHash('sha256');
  const peaks = { firstHalf: 0, all: 0 };
  const got = createHash('sha256');
  let bytes = 0;
  function* pieces() {
    for (let n = 0; n < 200; n++) {
      piece.writeUInt32BE(n, 0);
      const copy = Buffer.from(piece);
      sent.update(copy);
      yield copy;
    }
  }
  serve = (socket) => void pipeline(pieces, socket).catch(() => {});
  const socket = dial();
  const start = performance.now();
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    got.update(chunk);
    peaks.all = Math.max(peaks.all, process.memoryUsage.rss());
    if (bytes < 100e6) peaks.firstHalf = peaks.all;
  }
  const seconds = (performance.now() - start) / 1000;
  socket.destroy();
  console.log(`one tunnel on loopback, all four ends in one process: ${Math.round(bytes / seconds / 1e6)} MB/s`);
  expect(bytes).toBe(200 * 1024 * 1024);
  expect(got.digest('hex')).toBe(sent.digest('hex'));
  // Twice as many bytes need no more memory, apart from what the collector has not got to yet.
  expect(peaks.all - peaks.firstHalf).toBeLessThan(64 * 1024 * 1024);
  await nothingOpen();
});

test('each direction ends alone', async () => {
  serve = async (socket) => {
    let question = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) question += chunk;
    socket.end(`you said ${question}`);
  };
  const first = dial();
  first.end('hello');
  expect(Buffer.concat(await first.toArray()).toString()).toBe('you said hello');

  const heard = new Promise<string>((resolve) => {
    serve = async (socket) => {
      socket.end('first');
      resolve(Buffer.concat(await socket.toArray()).toString());
    };
  });
  const second = dial();
  await once(second.resume(), 'end');
  second.end('later');
  expect(await heard).toBe('later');
  await nothingOpen();
});

test('a reset on one side is a reset on the other', async () => {
  serve = (socket) => void socket.once('data', () => socket.resetAndDestroy());
  const client = dial();
  client.write('x');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  await nothingOpen();
});

test('a link that was cut serves the next connection once it is back', async () => {
  let second = await listenAs('osc-fr1', world.authority, handlers);
  const { port } = second.address;
  const through = await openTunnel({ link: world.client, address: second.address, hello });
  const client = dial(through.port);
  client.write('ping');
  expect(String((await once(client, 'data'))[0])).toBe('ping');
  const broken = once(client, 'error');
  await second.listener.close();
  expect((await broken)[0].code).toBe('ECONNRESET');
  expect((await once(dial(through.port), 'error'))[0].code).toBe('ECONNRESET');

  second = await listenAs('osc-fr1', world.authority, handlers, { port });
  const again = dial(through.port);
  again.end('pong');
  expect(Buffer.concat(await again.toArray()).toString()).toBe('pong');
  await through.close();
  await second.listener.close();
});

test('closing the tunnel ends what passes through it; its port can be asked for again', async () => {
  const aborter = new AbortController();
  const short = await openTunnel({ link: world.client, address: world.home.address, hello }, aborter.signal);
  const client = dial(short.port);
  client.write('ping');
  await once(client, 'data');
  const broken = once(client, 'error');
  aborter.abort();
  await broken;
  await short.close();
  const same = await openTunnel({ link: world.client, address: world.home.address, hello, port: short.port });
  expect(same.port).toBe(short.port);
  await same.close();
  await nothingOpen();
});
