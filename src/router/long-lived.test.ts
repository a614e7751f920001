import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { waitFor } from '../../test/support/wait-for.ts';
import { ask, gateOf, raw, spawnRouter, startApp, startRouter, writeEpoch } from './router.test-support.ts';

const limits = { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 };

async function withSockets(
  onMessage: (socket: WebSocket, text: string) => void = (socket, text) => socket.send(`echo ${text}`),
) {
  const app = await startApp((request, response) => {
    if (request.url === '/no') return void response.end('plain');
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  const closed: number[] = [];
  const sockets = new WebSocketServer({ server: app.server, path: '/ws' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => onMessage(socket, String(data)));
    socket.on('close', (code) => closed.push(code));
  });
  const router = await startRouter();
  await router.client.put(gateOf('shop', [app.port]));
  const open = async (port = router.ports.http) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { host: 'shop.test' } });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  };
  const hold = () => router.client.hold('shop', limits, 2, writeEpoch(router.folder, 'active', 1));
  return { ...router, app, closed, open, hold };
}

describe('a WebSocket', () => {
  it('goes through, both ways, in pieces of any size', async () => {
    const { open, client } = await withSockets();
    const socket = await open();
    for (const size of [1, 125, 126, 65_535, 65_536, 3_000_000]) {
      socket.send('x'.repeat(size));
      const [data] = (await once(socket, 'message')) as [Buffer];
      expect(data.length).toBe(size + 5);
    }
    expect(await client.metrics('shop')).toMatchObject({ longLived: 1, inFlight: 0 });
  });

  it('is told to reconnect with 1012, then held and served (invariant 9)', async () => {
    const { open, hold, client, closed } = await withSockets();
    const socket = await open();
    const close = once(socket, 'close');
    await hold();
    const began = performance.now();
    expect(await client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    expect(performance.now() - began, 'an app that answers the close costs next to nothing').toBeLessThan(80);
    expect((await close)[0]).toBe(1012);
    expect(closed).toEqual([1012]);
    const again = open();
    await waitFor(async () => (await client.metrics('shop')).waiting === 1, { every: 5 });
    await client.serve('shop');
    (await again).send('hi');
    expect(String((await once(await again, 'message'))[0])).toBe('echo hi');
  });

  it('gets every answer to what the app has taken in, before it is told', async () => {
    const { open, hold, client } = await withSockets((socket, text) => {
      for (let n = 0; n < 20; n++) socket.send(`${text} ${n} ${'y'.repeat(50_000)}`);
    });
    const socket = await open();
    const got: string[] = [];
    socket.on('message', (data) => got.push(String(data).slice(0, 8)));
    const close = once(socket, 'close');
    socket.send('m');
    await sleep(20);
    await hold();
    await client.drain('shop', 5_000);
    expect((await close)[0]).toBe(1012);
    expect(got.length).toBe(20);
  });

  it('is told even by an app that does not answer', async () => {
    // Speaks just enough WebSocket to accept, and then never says anything.
    const mute = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', (head) => {
        const key = /sec-websocket-key: (.*)\r\n/i.exec(String(head))![1]!;
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
      });
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void mute.close());
    const { open, hold, client } = await withSockets();
    await client.upstreams('shop', [`127.0.0.1:${(mute.address() as { port: number }).port}`]);
    const socket = await open();
    const close = once(socket, 'close');
    await hold();
    expect(await client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    expect((await close)[0]).toBe(1012);
  });

  it('is declined where the app declines it', async () => {
    const { ports } = await withSockets();
    const { socket, ended } = raw(ports.http);
    socket.write('GET /no HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    expect(await ended).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('is an ordinary request where it only offers HTTP/2', async () => {
    const { ports } = await withSockets();
    const headers = {
      Connection: 'Upgrade, HTTP2-Settings',
      Upgrade: 'h2c',
      'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    };
    expect((await ask(ports.http, { path: '/no', headers })).body).toBe('plain');
  });
});

describe('a router that is stopped', () => {
  it('tells long-lived connections to come back, and does not wait for idle ones', async () => {
    const { open, app } = await withSockets();
    const router = await spawnRouter();
    await router.client.put(gateOf('shop', [app.port]));
    const socket = await open(router.ports.http);
    const idle = raw(router.ports.http);
    idle.socket.write('GET /no HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await waitFor(() => idle.text().endsWith('plain'), { every: 5 });
    const close = once(socket, 'close');
    const began = performance.now();
    router.process.signal('SIGTERM');
    expect((await close)[0]).toBe(1012);
    expect(await router.process.ended).toMatchObject({ code: 0 });
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe('an event stream', () => {
  it('that begins during a drain is recognised by its client, and ended', async () => {
    const { ports, client, folder } = await startRouter();
    let begin = () => {};
    const app = await startApp((_request, response) => {
      begin = () => void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
    });
    await client.put(gateOf('shop', [app.port]));
    const answer = ask(ports.http);
    await waitFor(async () => (await client.metrics('shop')).inFlight === 1, { every: 5 });
    await client.hold('shop', limits, 2, writeEpoch(folder, 'active', 1));
    const drain = client.drain('shop', 5_000);
    begin();
    expect(await drain).toEqual({ inFlight: 0, longLived: 0 });
    const { status, headers } = await answer;
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream']);
    await client.serve('shop');
  });

  it('comes at once, is ended by a drain, and waits when it comes back (invariant 9)', async () => {
    const { ports, hold, client } = await withSockets();
    const stream = raw(ports.http);
    stream.socket.write('GET /events HTTP/1.1\r\nHost: shop.test\r\nAccept: text/event-stream\r\n\r\n');
    await waitFor(() => stream.text().includes('data: 1\n\n'), { every: 5 });
    expect(await client.metrics('shop')).toMatchObject({ longLived: 1, inFlight: 0 });
    await hold();
    expect(await client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    await waitFor(() => stream.text().endsWith('0\r\n\r\n'), { every: 5, what: 'the end of the stream' });
    stream.socket.write('GET /events HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await waitFor(async () => (await client.metrics('shop')).waiting === 1, { every: 5 });
    await client.serve('shop');
    await waitFor(() => stream.text().split('data: 1').length === 3, { every: 5 });
    stream.socket.destroy();
    await waitFor(async () => (await client.metrics('shop')).longLived === 0, { every: 5 });
  });
});
