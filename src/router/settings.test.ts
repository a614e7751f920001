import { request as httpsRequest } from 'node:https';
import { describe, expect, it } from 'vitest';
import { ask, authority, gateOf, spawnRouter, startApp, startRouter, withApp } from './router.test-support.ts';

describe("the gate's settings", () => {
  it('send to the canonical host and to HTTPS', async () => {
    const { ports } = await withApp((_request, response) => response.end('here'), {
      hosts: ['shop.test', 'www.shop.test'],
      canonicalHost: 'www.shop.test',
      forceHttps: true,
    });
    const answer = await ask(ports.http, { path: '/a?b=1', body: 'x' });
    expect([answer.status, answer.headers.location]).toEqual([308, 'https://www.shop.test/a?b=1']);
  });

  it('keep a session with one process, only where they say so', async () => {
    const { ports, client, app } = await withApp((_request, response) => response.end('one'));
    const two = await startApp((_request, response) => response.end('two'));
    const upstreams = [app.port, two.port];
    await client.put(gateOf('shop', upstreams));
    expect((await ask(ports.http)).headers['set-cookie']).toBeUndefined();
    await client.put(gateOf('shop', upstreams, { stickySessions: true }));
    const first = await ask(ports.http);
    const cookie = first.headers['set-cookie']![0]!.split(';')[0]!;
    for (let n = 0; n < 6; n++) {
      const next = await ask(ports.http, { headers: { cookie } });
      expect([next.body, next.headers['set-cookie']]).toEqual([first.body, undefined]);
    }
  });

  it('have certificates by name and by wildcard, kept over a restart', async () => {
    const app = await startApp((request, response) => response.end(request.headers['x-forwarded-proto'] as string));
    const here = { host: '127.0.0.1', port: 0 };
    const router = await startRouter('osc-fr1', { https: here });
    await router.client.put(gateOf('shop', [app.port], { hosts: ['shop.test', 'a.wild.test'] }));
    const [exact, wild] = [await authority.issue('shop.test'), await authority.issue('*.wild.test')];
    await router.client.certificates([
      { host: 'shop.test', cert: exact.certificate, key: exact.key },
      { host: '*.wild.test', cert: wild.certificate, key: wild.key },
    ]);
    await expect(
      router.client.certificates([{ host: 'x.test', cert: 'nonsense', key: 'nonsense' }]),
    ).rejects.toMatchObject({ code: 'bad_request' });
    const shown = (port: number, host: string) =>
      new Promise((resolve, reject) => {
        const options = {
          port,
          host: '127.0.0.1',
          servername: host,
          headers: { host },
          ca: authority.ca,
          agent: false,
        } as const;
        const request = httpsRequest({
          ...options,
          checkServerIdentity: (_host, { subject }) => void resolve(subject.CN),
        });
        request.on('error', reject).end();
        request.on('response', (response) => response.resume());
      });
    expect(await shown(router.ports.https!, 'shop.test')).toBe('shop.test');
    expect(await shown(router.ports.https!, 'a.wild.test')).toBe('*.wild.test');
    await expect(shown(router.ports.https!, 'none.test')).rejects.toThrow();
    await router.stop();
    const again = await spawnRouter('osc-fr1', router);
    expect(again.ports).toEqual(router.ports);
    expect(await shown(again.ports.https!, 'a.wild.test')).toBe('*.wild.test');
  });
});
