import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ask, startApp, withApp } from './router.test-support.ts';

describe('an app that fails', () => {
  it('is passed over while another of its processes answers', async () => {
    const { ports, client, app } = await withApp((_request, response) => response.end('alive'));
    const dead = await startApp(() => {});
    await dead.close();
    await client.upstreams('shop', [`127.0.0.1:${dead.port}`, `127.0.0.1:${app.port}`]);
    for (let n = 0; n < 10; n++) expect((await ask(ports.http, { body: 'x' })).body).toBe('alive');
    expect((await client.metrics('shop')).failed).toBe(0);
  });

  it('is waited for while it restarts, without being in flight', async () => {
    const { ports, client } = await withApp((_request, response) => response.end());
    await client.upstreams('shop', []);
    const answer = ask(ports.http, { body: 'order' });
    await sleep(120);
    expect(await client.drain('shop', 0)).toEqual({ inFlight: 0, longLived: 0 });
    const back = await startApp((request, response) => {
      request.pipe(response);
    });
    await client.upstreams('shop', [`127.0.0.1:${back.port}`]);
    expect((await answer).body).toBe('order');
  });

  it('never gets a request twice that it may have seen', async () => {
    let seen = 0;
    const { ports, client } = await withApp((request) => {
      seen++;
      request.socket.destroy();
    });
    for (const method of ['POST', 'GET']) {
      const answer = await ask(ports.http, { method });
      expect([answer.status, answer.body]).toEqual([502, 'The app broke off its answer.\n']);
    }
    expect(seen).toBe(2);
    expect(await client.metrics('shop')).toMatchObject({ failed: 2, inFlight: 0 });
  });

  it('is seen by the client as broken off when it breaks off', async () => {
    const { ports, client } = await withApp((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(ask(ports.http)).rejects.toThrow();
    expect(await client.metrics('shop')).toMatchObject({ failed: 1, inFlight: 0 });
  });

  it('does not hang the client when it talks no HTTP', async () => {
    const server = createServer((socket) => void socket.on('error', () => {}).end('nonsense\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { ports, client } = await withApp(() => {});
    await client.upstreams('shop', [`127.0.0.1:${(server.address() as { port: number }).port}`]);
    expect((await ask(ports.http)).status).toBe(502);
    server.close();
  });
});
