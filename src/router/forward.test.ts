import { createHash, randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { waitFor } from '../../test/support/wait-for.ts';
import type { ForwardTarget } from '../protocol/gate.ts';
import {
  ask,
  authority,
  gateOf,
  raw,
  startApp,
  startRouter,
  type TestRouter,
  writeEpoch,
} from './router.test-support.ts';

const limits = { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 };
const to = (router: TestRouter, region = 'osc-fr2', app = 'shop-new', epoch = 1): ForwardTarget => ({
  region,
  host: '127.0.0.1',
  port: router.ports.ingress,
  app,
  epoch,
});

/** The app in two regions: `old` on the source, `new` on the target, where it has another name. */
async function twoRegions() {
  const app = (name: string) =>
    startApp((request, response) => {
      const hash = createHash('sha256');
      request
        .on('data', (chunk) => hash.update(chunk))
        .on('end', () => {
          const { headers } = request;
          response.end(
            JSON.stringify({ name, method: request.method, url: request.url, sha256: hash.digest('hex'), headers }),
          );
        });
    });
  const [old, fresh] = [await app('old'), await app('new')];
  const [source, target] = [await startRouter('osc-fr1'), await startRouter('osc-fr2')];
  await source.client.put(gateOf('shop', [old.port]));
  await target.client.put(gateOf('shop-new', [fresh.port], { hosts: ['shop.test'] }));
  return { source, target, old, fresh };
}

const read = (answer: { body: string }) =>
  JSON.parse(answer.body) as {
    name: string;
    method: string;
    url: string;
    sha256: string;
    headers: Record<string, string>;
  };

describe('forwarding', () => {
  it('sends everything that waited to the other region, bodies intact', async () => {
    const { source, target } = await twoRegions();
    await source.client.hold('shop', limits, 2, writeEpoch(source.folder, 'active', 1));
    const bodies = [0, 1, 1000, 70_000, 700_000].map((size) => randomBytes(size));
    const answers = bodies.map((body, n) => ask(source.ports.http, { path: `/${n}?a=%20b`, body, method: 'PUT' }));
    await waitFor(async () => (await source.client.metrics('shop')).waiting === bodies.length, { every: 5 });
    expect(await source.client.forward('shop', to(target))).toMatchObject({ released: bodies.length, refused: 0 });
    for (const [n, answer] of (await Promise.all(answers)).entries()) {
      const seen = read(answer);
      const sha256 = createHash('sha256').update(bodies[n]!).digest('hex');
      expect(seen).toMatchObject({ name: 'new', method: 'PUT', url: `/${n}?a=%20b`, sha256 });
    }
    expect(await source.client.metrics('shop')).toMatchObject({
      forwarded: bodies.length,
      failed: 0,
      inFlight: 0,
      waiting: 0,
    });
  });

  it('shows the app the same headers as before its move, and none of ours', async () => {
    const { source, target } = await twoRegions();
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Own': 'kept' };
    const before = read(await ask(source.ports.http, { headers }));
    await source.client.forward('shop', to(target));
    const after = read(await ask(source.ports.http, { headers }));
    expect([before.name, after.name]).toEqual(['old', 'new']);
    expect(after.headers).toEqual(before.headers);
    expect(after.headers).toMatchObject({
      host: 'shop.test',
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-own': 'kept',
    });
  });

  it('waits at a gate that holds over there', async () => {
    const { source, target } = await twoRegions();
    await target.client.hold('shop-new', limits, 2, writeEpoch(target.folder, 'passive', 1));
    await source.client.forward('shop', to(target));
    const answer = ask(source.ports.http);
    await waitFor(async () => (await target.client.metrics('shop-new')).waiting === 1, { every: 5 });
    await target.client.serve('shop-new');
    expect(read(await answer).name).toBe('new');
  });

  it('is not sent back to the region that it comes from: it waits for the gate to open, as in a rollback', async () => {
    const { source, target } = await twoRegions();
    // The old side is about to serve again, but still forwards to the side that now forwards to it.
    await source.client.forward('shop', to(target));
    await target.client.forward('shop-new', to(source, 'osc-fr1', 'shop', 2));
    // Those that come to the old side go to the new one, and back: whichever way they came, they wait at the old side.
    const answers = [...Array(20)].map((_, n) => ask((n < 10 ? target : source).ports.http));
    await waitFor(async () => (await source.client.metrics('shop')).requests === 30, { every: 5 });
    await source.client.serve('shop');
    for (const answer of await Promise.all(answers)) expect(read(answer).name).toBe('old');
    expect(await target.client.metrics('shop-new')).toMatchObject({ failed: 0, requests: 20 });
    expect(await source.client.metrics('shop')).toMatchObject({ failed: 0, requests: 30 });
  });

  it('has its connections to the other region open before it needs them', async () => {
    const { source, target, old } = await twoRegions();
    let handshakes = 0;
    const counting = createTcpServer((near) => {
      handshakes++;
      const far = connectTcp(target.ports.ingress, '127.0.0.1');
      near.pipe(far).pipe(near);
      for (const end of [near, far]) end.on('error', () => {});
    });
    await new Promise<void>((resolve) => counting.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void counting.close());
    const way = { ...to(target), port: (counting.address() as { port: number }).port };
    await source.client.put(gateOf('shop', [old.port]));
    await source.client.warm('shop', way);
    expect(handshakes, 'before the hold').toBe(32);
    await source.client.hold('shop', limits, 2, writeEpoch(source.folder, 'active', 1));
    const answers = [...Array(32)].map(() => ask(source.ports.http));
    await waitFor(async () => (await source.client.metrics('shop')).waiting === 32, { every: 5 });
    await source.client.forward('shop', way);
    for (const answer of await Promise.all(answers)) expect(read(answer).name).toBe('new');
    expect(handshakes).toBe(32);
    expect((await target.client.metrics('shop-new')).requests).toBe(32);
  });

  it('passes a WebSocket on', async () => {
    const { source, target, fresh } = await twoRegions();
    new WebSocketServer({ server: fresh.server }).on('connection', (socket) =>
      socket.on('message', (data) => socket.send(data)),
    );
    await source.client.forward('shop', to(target));
    const socket = new WebSocket(`ws://127.0.0.1:${source.ports.http}/ws`, { headers: { host: 'shop.test' } });
    await new Promise((resolve) => socket.once('open', resolve));
    const echo = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('hello');
    expect(await echo).toBe('hello');
    socket.terminate();
    await waitFor(async () => (await target.client.metrics('shop-new')).longLived === 0, { every: 5 });
  });

  it('tries again while the other router is restarting', async () => {
    const { source } = await twoRegions();
    const free = await startRouter('osc-fr2');
    await free.stop();
    await source.client.forward('shop', to(free));
    const answer = ask(source.ports.http, { body: 'x' });
    await waitFor(async () => (await source.client.metrics('shop')).requests === 1, { every: 5 });
    const app = await startApp((_request, response) => response.end('{"name":"back"}'));
    const again = await startRouter('osc-fr2', { ingress: { ...free.config.ingress, port: free.ports.ingress } });
    await again.client.put(gateOf('shop-new', [app.port]));
    expect(['{"name":"back"}', 'No app is here under this name.\n']).toContain((await answer).body);
    expect((await ask(source.ports.http)).body).toBe('{"name":"back"}');
  });

  it('gives up at the end of the budget, with a 502', async () => {
    const { source } = await twoRegions();
    const gone = await startRouter('osc-fr2');
    await gone.stop();
    await source.client.put(
      gateOf('shop', [], { state: 'forward', forward: to(gone), limits: { ...limits, budgetMs: 200 } }),
    );
    expect((await ask(source.ports.http)).status).toBe(502);
    expect(await source.client.metrics('shop')).toMatchObject({ failed: 1, inFlight: 0 });
  });

  it('goes to no other region than the named one', async () => {
    const { source, target } = await twoRegions();
    const wrong = { ...to(target), region: 'osc-fr9' };
    await source.client.put(
      gateOf('shop', [], { state: 'forward', forward: wrong, limits: { ...limits, budgetMs: 200 } }),
    );
    expect((await ask(source.ports.http)).status).toBe(502);
    expect((await target.client.metrics('shop-new')).requests).toBe(0);
  });

  it('ends a circle of two regions at the end of the budget, and one of more at once', async () => {
    const { source, target } = await twoRegions();
    const third = await startRouter('osc-fr3');
    const back = to(source, 'osc-fr1', 'shop');
    const short = { ...limits, budgetMs: 300 };
    await source.client.forward('shop', to(target));
    await target.client.put(gateOf('shop-new', [], { state: 'forward', forward: back, limits: short }));
    expect((await ask(source.ports.http)).status).toBe(508);
    await target.client.forward('shop-new', to(third, 'osc-fr3', 'shop'));
    await third.client.put(gateOf('shop', [], { state: 'forward', forward: back }));
    expect((await ask(source.ports.http)).status).toBe(508);
  });

  it('follows an app that has moved on once more', async () => {
    const { source, target, old } = await twoRegions();
    const third = await startRouter('osc-fr3');
    await third.client.put(gateOf('shop', [old.port]));
    await source.client.forward('shop', to(target));
    await target.client.forward('shop-new', to(third, 'osc-fr3', 'shop'));
    expect(read(await ask(source.ports.http)).name).toBe('old');
  });
});

describe('the ingress', () => {
  it('refuses who shows no certificate, or one of another authority', async () => {
    const { target } = await twoRegions();
    const { TestAuthority } = await import('../region/link/authority.test-support.ts');
    const stranger = await (await TestAuthority.create()).issue('osc-fr1');
    for (const identity of [undefined, stranger]) {
      const refused = new Promise((resolve) => {
        const socket = tlsConnect({
          port: target.ports.ingress,
          host: '127.0.0.1',
          key: identity?.key,
          cert: identity?.certificate,
          rejectUnauthorized: false,
        });
        socket.on('secureConnect', () =>
          socket.write('GET / HTTP/1.1\r\nHost: x\r\nstorky-forward-app: shop-new\r\n\r\n'),
        );
        socket.on('data', () => resolve('answered'));
        socket.on('error', () => resolve('refused'));
        socket.on('close', () => resolve('refused'));
      });
      expect(await refused).toBe('refused');
    }
    expect((await target.client.metrics('shop-new')).requests).toBe(0);
  });

  it('knows no app but the one that the other router names', async () => {
    const { target } = await twoRegions();
    const identity = await authority.issue('osc-fr1');
    const status = (headers: Record<string, string>) =>
      new Promise((resolve, reject) => {
        const request = httpsRequest({
          port: target.ports.ingress,
          host: '127.0.0.1',
          key: identity.key,
          cert: identity.certificate,
          ca: identity.ca,
          checkServerIdentity: () => undefined,
          agent: false,
          headers: { host: 'shop.test', ...headers },
        });
        request
          .on('error', reject)
          .on('response', (response) => resolve(response.resume().statusCode))
          .end();
      });
    expect(await status({})).toBe(404);
    expect(await status({ 'storky-forward-app': 'nobody' })).toBe(404);
    expect(await status({ 'storky-forward-app': 'shop-new' })).toBe(200);
  });

  it('is the only place where our headers are accepted', async () => {
    const { source } = await twoRegions();
    for (const name of ['storky-forward-app', 'Storky-Hops', 'STORKY-anything']) {
      const { socket, ended } = raw(source.ports.http);
      socket.write(`GET / HTTP/1.1\r\nHost: shop.test\r\n${name}: 1\r\nConnection: close\r\n\r\n`);
      expect(await ended).toMatch(/^HTTP\/1.1 400 /);
    }
    expect((await source.client.metrics('shop')).requests).toBe(0);
  });
});
