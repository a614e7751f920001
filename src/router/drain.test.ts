import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { ask, gateOf, limits, spawnRouter, startApp, startRouter, writeEpoch } from './router.test-support.ts';

describe('a drain', () => {
  it('ends the moment the last request has ended', async () => {
    let finish = () => {};
    const app = await startApp((_request, response) => {
      finish = () => void response.end('done');
    });
    const { client, ports, folder } = await startRouter();
    await client.put(gateOf('shop', [app.port]));
    const slow = ask(ports.http);
    await waitFor(async () => (await client.metrics('shop')).inFlight === 1, { every: 5 });
    expect(await client.hold('shop', limits, 2, writeEpoch(folder, 'active', 1))).toEqual({
      inFlight: 1,
      longLived: 0,
    });
    expect(await client.drain('shop', 50)).toEqual({ inFlight: 1, longLived: 0 });
    let drained = false;
    const drain = client.drain('shop', 5_000).then((left) => {
      drained = true;
      return left;
    });
    await sleep(50);
    expect(drained).toBe(false);
    finish();
    expect(await drain).toEqual({ inFlight: 0, longLived: 0 });
    expect((await slow).body).toBe('done');
    await client.serve('shop');
  });

  it('counts a request whose client has left until the app has answered', async () => {
    let finish = () => {};
    const app = await startApp((_request, response) => {
      finish = () => void response.end('done');
    });
    const { client, ports } = await startRouter();
    await client.put(gateOf('shop', [app.port]));
    const leaving = new AbortController();
    const left = ask(ports.http, { body: 'order', signal: leaving.signal });
    await waitFor(async () => (await client.metrics('shop')).inFlight === 1, { every: 5 });
    leaving.abort();
    await expect(left).rejects.toThrow();
    expect(await client.drain('shop', 100)).toEqual({ inFlight: 1, longLived: 0 });
    finish();
    expect(await client.drain('shop', 5_000)).toEqual({ inFlight: 0, longLived: 0 });
  });
});

describe('SIGTERM', () => {
  it('lets what is in flight end', async () => {
    const app = await startApp((_request, response) => void setTimeout(() => response.end('late'), 400));
    const router = await spawnRouter();
    await router.client.put(gateOf('shop', [app.port]));
    const slow = ask(router.ports.http);
    await waitFor(async () => (await router.client.metrics('shop')).inFlight === 1, { every: 5 });
    router.process.signal('SIGTERM');
    await sleep(50);
    await expect(ask(router.ports.http)).rejects.toThrow();
    expect((await slow).body).toBe('late');
    expect(await router.process.ended).toMatchObject({ code: 0 });
  });
});
