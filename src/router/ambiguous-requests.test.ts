import { describe, expect, it } from 'vitest';
import { raw, withApp } from './router.test-support.ts';

describe('requests that two servers could understand in two ways', () => {
  const cases: Record<string, [string, RegExp]> = {
    'length and chunks': [
      'POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 400/,
    ],
    'two lengths': [
      'POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
      /^HTTP\/1.1 400/,
    ],
    'two hosts': ['GET / HTTP/1.1\r\nHost: shop.test\r\nHost: other.test\r\n\r\n', /^HTTP\/1.1 400/],
    'another coding': [
      'POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 501/,
    ],
    'no host': ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400/],
    'a space before the colon': ['GET / HTTP/1.1\r\nHost: shop.test\r\nX-A : 1\r\n\r\n', /^HTTP\/1.1 400/],
    'a target that is no path': ['OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n\r\n', /^HTTP\/1.1 400/],
  };
  for (const [name, [text, expected]] of Object.entries(cases))
    it(`are refused: ${name}`, async () => {
      let reached = 0;
      const { ports } = await withApp((_request, response) => {
        reached++;
        response.end();
      });
      const connection = raw(ports.http);
      connection.socket.end(text);
      expect(await connection.ended).toMatch(expected);
      expect(reached).toBe(0);
    });

  it('go by the host of an absolute target', async () => {
    const { ports } = await withApp((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const connection = raw(ports.http);
    connection.socket.write('GET http://shop.test/x?y HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n');
    expect(await connection.ended).toMatch(/shop\.test \/x\?y$/);
  });
});
