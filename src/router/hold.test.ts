import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { ask, gateOf, holding, raw, startApp } from './router.test-support.ts';

describe('a hold', () => {
  it('lets nothing through, then everything in its order, and loses none', async () => {
    const { client, ports, seen, hold, waiting } = await holding();
    await hold();
    const answers: Promise<{ status: number; body: string }>[] = [];
    for (let n = 0; n < 200; n++) {
      answers.push(ask(ports.http, { path: `/${n}`, body: n % 2 ? 'x'.repeat(n) : undefined }));
      if (n % 20 === 19) await waiting(n + 1);
    }
    expect(seen).toEqual([]);
    const { released, longestWaitMs, refused } = await client.serve('shop');
    expect({ released, refused }).toEqual({ released: 200, refused: 0 });
    expect(longestWaitMs).toBeGreaterThan(0);
    for (const [n, answer] of (await Promise.all(answers)).entries())
      expect(answer).toMatchObject({ status: 200, body: `/${n} ${n % 2 ? n : 0}` });
    expect([...seen].sort()).toEqual([...Array(200).keys()].map((n) => `/${n}`).sort());
  });

  it('keeps the order of arrival', async () => {
    const { client, ports, seen, hold, waiting } = await holding();
    await hold();
    // One connection to the app at a time would prove little; each request says when the router let it go.
    const answers = [];
    for (let n = 0; n < 30; n++) {
      answers.push(ask(ports.http, { path: `/${n}` }));
      await waiting(n + 1);
    }
    await client.serve('shop');
    await Promise.all(answers);
    expect(seen).toEqual([...Array(30).keys()].map((n) => `/${n}`));
  });

  it('does not delay the answer to the agent by the line it releases', async () => {
    const { client, ports, hold, waiting } = await holding();
    await hold();
    const answers = [...Array(300).keys()].map((n) => ask(ports.http, { path: `/${n}` }));
    await waiting(300);
    const began = performance.now();
    await client.serve('shop');
    expect(performance.now() - began).toBeLessThan(50);
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  });

  it('refuses when too many wait, with Retry-After', async () => {
    const { client, ports, hold, waiting } = await holding({ maxRequests: 2 });
    await hold();
    const first = [ask(ports.http), ask(ports.http)];
    await waiting(2);
    const third = await ask(ports.http);
    expect(third.status).toBe(503);
    expect(third.headers['retry-after']).toBe('2');
    expect(await client.serve('shop')).toMatchObject({ released: 2, refused: 1 });
    for (const { status } of await Promise.all(first)) expect(status).toBe(200);
  });

  it('refuses when the bodies of those that wait would take too much memory', async () => {
    const { client, ports, hold, waiting } = await holding({ maxBytes: 100_000 });
    await hold();
    const body = Buffer.alloc(300_000);
    const first = ask(ports.http, { body });
    await waiting(1);
    expect((await ask(ports.http, { body })).status).toBe(503);
    const small = ask(ports.http, { body: 'small' });
    await waiting(2);
    await client.serve('shop');
    expect((await first).body).toBe('/ 300000');
    expect((await small).body).toBe('/ 5');
  });

  it('forgets a client that leaves while it waits', async () => {
    const { client, ports, seen, hold, waiting } = await holding();
    await hold();
    const leaving = new AbortController();
    const left = ask(ports.http, { path: '/left', signal: leaving.signal });
    const upgrade = raw(ports.http);
    upgrade.socket.write('GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const stays = ask(ports.http, { path: '/stays' });
    await waiting(3);
    leaving.abort();
    upgrade.socket.end();
    await expect(left).rejects.toThrow();
    await waiting(1);
    expect(await client.serve('shop')).toMatchObject({ released: 1 });
    await stays;
    expect(seen).toEqual(['/stays']);
  });

  it('takes no body from a client that waits for 100 Continue, until it is its turn', async () => {
    const { client, ports, hold, waiting } = await holding();
    await hold();
    const { socket, text } = raw(ports.http);
    socket.write('POST /x HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    await waiting(1);
    expect(text()).toBe('');
    await client.serve('shop');
    await waitFor(() => text().startsWith('HTTP/1.1 100 Continue\r\n\r\n'), { every: 5 });
    socket.write('body');
    await waitFor(() => text().endsWith('/x 4'), { every: 5 });
  });

  it('holds one app and lets the others be', async () => {
    const { client, ports, hold, waiting } = await holding();
    const other = await startApp((_request, response) => response.end('other'));
    await client.put(gateOf('blog', [other.port]));
    await hold();
    const held = ask(ports.http);
    await waiting(1);
    expect((await ask(ports.http, { host: 'BLOG.test:80' })).body).toBe('other');
    await client.serve('shop');
    expect((await held).status).toBe(200);
  });

  it('lets preview hosts through where no switch is made, and nobody where one is', async () => {
    const { client, app, ports, hold, waiting, seen } = await holding();
    await client.put(gateOf('shop', [app.port], { previewHosts: ['preview.test'], state: 'hold' }));
    expect((await ask(ports.http, { host: 'preview.test', path: '/p' })).body).toBe('/p 0');
    await client.serve('shop');
    await hold();
    const writer = ask(ports.http, { host: 'preview.test', path: '/in-the-freeze' });
    await waiting(1);
    expect(seen).toEqual(['/p']);
    await client.serve('shop');
    expect((await writer).body).toBe('/in-the-freeze 0');
  });
});
