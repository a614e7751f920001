import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import { ask, gateOf, raw, residentBytes, spawnRouter, startApp, startRouter, withApp } from './router.test-support.ts';

describe('the proxy', () => {
  it('knows the apps by host name, and nobody else', async () => {
    const { ports, client } = await withApp((_request, response) => response.end('shop'));
    const blog = await startApp((_request, response) => response.end('blog'));
    await client.put(gateOf('blog', [blog.port], { hosts: ['blog.test', 'www.blog.test'] }));
    expect((await ask(ports.http, { host: 'SHOP.test:8080' })).body).toBe('shop');
    expect((await ask(ports.http, { host: 'www.blog.test.' })).body).toBe('blog');
    const unknown = await ask(ports.http, { host: 'other.test' });
    expect([unknown.status, unknown.body]).toEqual([404, 'No app is here under this name.\n']);
    await client.remove('blog');
    expect((await ask(ports.http, { host: 'blog.test' })).status).toBe(404);
  });

  it('passes headers on as they are, but for those of one connection, and says who asks', async () => {
    const { ports } = await withApp((request, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('X-Odd-CASE', 'Value');
      response.setHeader('Connection', 'X-Private');
      response.setHeader('X-Private', '1');
      response.end(JSON.stringify(request.rawHeaders));
    });
    const { socket, ended } = raw(ports.http);
    socket.write(
      'GET / HTTP/1.1\r\nHost: shop.test:81\r\nX-Odd-CASE: Value\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: close, X-Hop\r\n' +
        'X-Hop: 1\r\nKeep-Alive: 3\r\nTE: trailers\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n',
    );
    const text = await ended;
    const headers = JSON.parse(text.slice(text.indexOf('["'), text.lastIndexOf(']') + 1)) as string[];
    expect(headers.join('|')).toContain('X-Odd-CASE|Value|X-Two|1|X-Two|2|');
    expect(headers.join('|')).toContain(
      'X-Forwarded-For|127.0.0.1|X-Forwarded-Proto|http|X-Forwarded-Host|shop.test:81',
    );
    for (const name of ['X-Hop', 'Keep-Alive', 'TE', 'Forwarded']) expect(headers).not.toContain(name);
    expect(text).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Odd-CASE: Value\r\n');
    expect(text).not.toContain('X-Private');
  });

  it('believes a trusted proxy about the protocol and host', async () => {
    const app = await startApp((request, response) => response.end(JSON.stringify(request.headers)));
    const router = await startRouter('osc-fr1', { trustedProxies: ['127.0.0.0/8'] });
    await router.client.put(gateOf('shop', [app.port]));
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'www.test', 'X-Forwarded-For': '203.0.113.1' };
    expect(JSON.parse((await ask(router.ports.http, { headers })).body)).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'www.test',
      'x-forwarded-for': '203.0.113.1, 127.0.0.1',
    });
  });

  it('answers HEAD, 204 and 304 without a body, and passes trailers and early hints', async () => {
    const { ports } = await withApp((request, response) => {
      if (request.url === '/204') return void response.writeHead(204).end();
      if (request.url === '/304') return void response.writeHead(304, { ETag: '"x"' }).end();
      if (request.url === '/trailer') {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('body');
        response.addTrailers({ 'X-Sum': '42' });
        return void response.end();
      }
      response.writeHead(200, { 'Content-Length': '5' });
      response.end(request.method === 'HEAD' ? undefined : 'hello');
    });
    const head = await ask(ports.http, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '5', '']);
    expect((await ask(ports.http, { path: '/204' })).status).toBe(204);
    expect((await ask(ports.http, { path: '/304' })).headers.etag).toBe('"x"');
    const hints: unknown[] = [];
    const request = httpRequest({ port: ports.http, path: '/trailer', headers: { host: 'shop.test' }, agent: false });
    request.on('information', ({ statusCode }) => hints.push(statusCode)).end();
    await new Promise((resolve) => request.on('close', resolve).on('response', (response) => response.resume()));
    expect(hints).toEqual([103]);
    expect((await ask(ports.http, { path: '/trailer' })).trailers['x-sum']).toBe('42');
  });

  it('streams a response as it comes', async () => {
    const { ports } = await withApp((_request, response) => {
      response.flushHeaders();
      setTimeout(() => response.write('first'), 50);
      setTimeout(() => response.end('second'), 150);
    });
    const { socket, text } = raw(ports.http);
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await waitFor(() => text().includes('200 OK'), { every: 2 });
    expect(text()).not.toContain('first');
    await waitFor(() => text().includes('first'), { every: 2 });
    expect(text()).not.toContain('second');
  });

  it('moves large bodies both ways with little memory', async () => {
    const app = await startApp((request, response) => {
      request.pipe(response);
    });
    const router = await spawnRouter();
    await router.client.put(gateOf('shop', [app.port]));
    const before = residentBytes(router.process.pid);
    let most = before;
    const size = 400 * 1024 * 1024;
    const block = Buffer.alloc(1024 * 1024, 'x');
    const request = httpRequest({
      port: router.ports.http,
      method: 'POST',
      headers: { host: 'shop.test' },
      agent: false,
    });
    let received = 0;
    const done = new Promise<void>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        response.on('data', (chunk) => (received += chunk.length)).on('end', resolve);
        // A slow reader: everything between has to wait for it.
        const timer = setInterval(() => {
          most = Math.max(most, residentBytes(router.process.pid));
          response.pause();
          setTimeout(() => response.resume(), 10);
        }, 50);
        response.on('close', () => clearInterval(timer));
      });
    });
    for (let sent = 0; sent < size; sent += block.length)
      if (!request.write(block)) await new Promise((resolve) => request.once('drain', resolve));
    request.end();
    await done;
    expect(received).toBe(size);
    // What the collector of garbage leaves lying about, but not the body.
    expect(most - before).toBeLessThan(size / 3);
  });

  it('answers although the app did not want the whole request, and the connection can be used again', async () => {
    const { ports } = await withApp((request, response) => {
      if (request.method === 'GET') return void response.end('next');
      response.writeHead(413).end('too large');
    });
    const { socket, text } = raw(ports.http);
    socket.write('POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2000000\r\n\r\n');
    socket.write(Buffer.alloc(1_000_000));
    await waitFor(() => text().includes('too large'), { every: 5 });
    socket.write(Buffer.alloc(1_000_000));
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await waitFor(() => text().endsWith('next'), { every: 5 });
  });

  it('serves many requests on one connection, pipelined too, in order', async () => {
    const { ports } = await withApp(
      (request, response) => void setTimeout(() => response.end(request.url), Math.random() * 20),
    );
    const { socket, text } = raw(ports.http);
    socket.write([...Array(20).keys()].map((n) => `GET /<${n}> HTTP/1.1\r\nHost: shop.test\r\n\r\n`).join(''));
    await waitFor(() => text().includes('/<19>'), { every: 5 });
    expect(text().match(/<\d+>/g)).toEqual([...Array(20).keys()].map((n) => `<${n}>`));
  });
});

it('a digest of everything that passes stays the same, whatever the sizes', async () => {
  const { ports } = await withApp((request, response) => {
    request.pipe(response);
  });
  for (const size of [0, 1, 16_383, 65_536, 65_537, 1_000_003]) {
    const body = Buffer.alloc(size, `${size}:`);
    const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
    expect(sha((await ask(ports.http, { body })).body)).toBe(sha(body));
  }
});
