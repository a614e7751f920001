import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { freePort } from '../base/free-port.ts';
import type { EntryPort, ForwardTarget } from '../protocol/gate.ts';
import {
  ask,
  gateOf,
  limits,
  spawnRouter,
  startApp,
  startRouter,
  type TestRouter,
  writeEpoch,
} from './router.test-support.ts';

const to = (router: Pick<TestRouter, 'ports'>): ForwardTarget => ({
  region: 'osc-fr2',
  host: '127.0.0.1',
  port: router.ports.ingress,
  app: 'shop',
  epoch: 2,
});

/** A plain server that greets first, as mail servers do, and says every line back with its name. */
async function startLines(name: string): Promise<{ port: number; open(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    socket.write(`hello from ${name}\n`);
    socket.on('data', (data) => socket.write(`${name} ${data}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, open: () => sockets.size };
}

function client(port: number) {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let closed = false;
  socket.setEncoding('utf8').on('data', (more) => (text += more));
  socket.on('error', () => {}).on('close', () => (closed = true));
  onTestFinished(() => void socket.destroy());
  return {
    socket,
    say: (line: string) => socket.write(`${line}\n`),
    heard: (line: string) => waitFor(() => text.includes(`${line}\n`), { every: 5, what: `${line}; heard: ${text}` }),
    text: () => text,
    gone: () => waitFor(() => closed, { every: 5, what: 'the end of the connection' }),
  };
}

const entry = async (protocol: EntryPort['protocol'], upstream: number, name = 'smtp'): Promise<EntryPort> => ({
  name,
  protocol,
  port: await freePort(),
  upstreams: [`127.0.0.1:${upstream}`],
});

async function twoRegions() {
  const [old, fresh] = [await startLines('old'), await startLines('new')];
  const [source, target] = [await startRouter('osc-fr1'), await startRouter('osc-fr2')];
  const [here, there] = [await entry('tcp', old.port), await entry('tcp', fresh.port)];
  await source.client.put(gateOf('shop', [], { entries: [here] }));
  await target.client.put(gateOf('shop', [], { entries: [there] }));
  const hold = () => source.client.hold('shop', limits, 2, writeEpoch(source.folder, 'active', 1));
  return { source, target, port: here.port, old, fresh, hold };
}

describe('an entry for HTTP', () => {
  it('is for its app whatever host is asked for, and passes on what a proxy in front said as it was said', async () => {
    const app = await startApp((request, response) => response.end(JSON.stringify(request.headers)));
    const router = await startRouter();
    const web = await entry('http', app.port, 'web');
    await router.client.put(gateOf('shop', [], { entries: [web], forceHttps: true, canonicalHost: 'shop.example' }));
    const plain = JSON.parse((await ask(web.port, { host: 'any.host:81' })).body);
    expect(plain).toMatchObject({ host: 'any.host:81', 'x-forwarded-for': '127.0.0.1' });
    expect(plain).not.toHaveProperty('x-forwarded-proto');
    const said = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', forwarded: 'for=203.0.113.7' };
    expect(JSON.parse((await ask(web.port, { headers: said })).body)).toMatchObject(said);
  });

  it('tells a proxy in front that the router is there, also while the gate holds', async () => {
    const router = await startRouter();
    const web = await entry('http', 9, 'web');
    await router.client.put(gateOf('shop', [], { entries: [web], state: 'hold' }));
    expect((await ask(web.port, { path: '/.well-known/storky-gate' })).status).toBe(200);
  });

  it('is listened on again after a kill of the router, and no more when its app is gone', async () => {
    const app = await startApp((_request, response) => response.end('here'));
    const router = await spawnRouter();
    const web = await entry('http', app.port, 'web');
    await router.client.put(gateOf('shop', [], { entries: [web] }));
    await router.process.kill('SIGKILL');
    await expect(ask(web.port)).rejects.toThrow();
    const again = await spawnRouter('osc-fr1', router);
    expect((await ask(web.port)).body).toBe('here');
    await again.client.remove('shop');
    await expect(ask(web.port)).rejects.toThrow();
  });

  it('says that its port is taken', async () => {
    const app = await startApp((_request, response) => response.end('here'));
    const router = await startRouter();
    const web = { ...(await entry('http', app.port, 'web')), port: app.port };
    await expect(router.client.put(gateOf('shop', [], { entries: [web] }))).rejects.toMatchObject({
      code: 'port_taken',
    });
  });

  it('forwards to the entry of the same name in the other region', async () => {
    const fresh = await startApp((request, response) => response.end(JSON.stringify(request.headers)));
    const [source, target] = [await startRouter('osc-fr1'), await startRouter('osc-fr2')];
    const [here, there] = [await entry('http', 9, 'admin'), await entry('http', fresh.port, 'admin')];
    await target.client.put(gateOf('shop', [9], { entries: [there] }));
    await source.client.put(gateOf('shop', [9], { entries: [here], state: 'forward', forward: to(target) }));
    const seen = JSON.parse((await ask(here.port, { host: 'old.host' })).body);
    expect(seen).toMatchObject({ host: 'old.host', 'x-forwarded-for': '127.0.0.1' });
    expect(Object.keys(seen).filter((name) => /^storky|proto|forwarded-host/.test(name))).toEqual([]);
  });
});

describe('an entry for plain connections', () => {
  it('joins them to the app, which may speak first', async () => {
    const { port } = await twoRegions();
    const one = client(port);
    await one.heard('hello from old');
    one.say('a');
    await one.heard('old a');
  });

  it('holds new ones, ends the established at a quiet moment, and forwards afterwards over the link', async () => {
    const { source, target, port, old, fresh, hold } = await twoRegions();
    const before = client(port);
    await before.heard('hello from old');
    await hold();
    expect(await source.client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    await before.gone();
    expect(old.open()).toBe(0);
    const held = client(port);
    held.say('while it holds');
    await waitFor(async () => (await source.client.metrics('shop')).waiting === 1, { every: 5 });
    expect([held.text(), old.open()]).toEqual(['', 0]);
    await source.client.forward('shop', to(target));
    await held.heard('new while it holds');
    expect(await source.client.metrics('shop')).toMatchObject({ held: 1, forwarded: 1, failed: 0, refused: 0 });
    expect(fresh.open()).toBe(1);
    held.socket.end();
    await waitFor(() => fresh.open() === 0, { every: 5, what: 'the end on the other side' });
  });

  it('lets a conversation finish its sentence before it ends it', async () => {
    const { source, port, hold } = await twoRegions();
    const one = client(port);
    await one.heard('hello from old');
    await hold();
    const drained = source.client.drain('shop', 5_000);
    for (let n = 0; n < 10; n++) {
      one.say(`line ${n}`);
      await one.heard(`old line ${n}`);
    }
    expect(await drained).toEqual({ inFlight: 0, longLived: 0 });
    await one.gone();
  });

  it('does not wait for ever for one that never stops talking', async () => {
    const { source, port, hold } = await twoRegions();
    const one = client(port);
    await one.heard('hello from old');
    const talk = setInterval(() => one.socket.writable && one.say('x'), 5);
    onTestFinished(() => clearInterval(talk));
    await hold();
    const began = performance.now();
    expect(await source.client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it('goes on serving when the switch backs out, with those that waited', async () => {
    const { source, port, hold } = await twoRegions();
    await hold();
    const held = client(port);
    await waitFor(async () => (await source.client.metrics('shop')).waiting === 1, { every: 5 });
    await source.client.serve('shop');
    await held.heard('hello from old');
  });

  it('refuses those that waited too long', async () => {
    const { source, old, port } = await twoRegions();
    const entries = [{ name: 'smtp', protocol: 'tcp' as const, port, upstreams: [`127.0.0.1:${old.port}`] }];
    await source.client.put(gateOf('shop', [], { entries, state: 'hold', limits: { ...limits, budgetMs: 200 } }));
    const one = client(port);
    await one.gone();
    expect([one.text(), old.open()]).toEqual(['', 0]);
    expect(await source.client.metrics('shop')).toMatchObject({ held: 1, refused: 1, waiting: 0 });
  });

  it('refuses those that find the line full, and forgets those that left it', async () => {
    const { source, port } = await twoRegions();
    const epochFile = writeEpoch(source.folder, 'active', 1);
    await source.client.hold('shop', { ...limits, maxRequests: 1 }, 2, epochFile);
    const first = client(port);
    await waitFor(async () => (await source.client.metrics('shop')).waiting === 1, { every: 5 });
    await client(port).gone();
    first.socket.resetAndDestroy();
    await waitFor(async () => (await source.client.metrics('shop')).waiting === 0, { every: 5, what: 'who left' });
  });

  it('waits for an app that is being restarted', async () => {
    const { source, fresh, port } = await twoRegions();
    await source.client.put(
      gateOf('shop', [], { entries: [{ name: 'smtp', protocol: 'tcp', port, upstreams: ['127.0.0.1:9'] }] }),
    );
    const one = client(port);
    await sleep(300);
    const upstreams = [`127.0.0.1:${fresh.port}`];
    await source.client.put(gateOf('shop', [], { entries: [{ name: 'smtp', protocol: 'tcp', port, upstreams }] }));
    await one.heard('hello from new');
  });
});
