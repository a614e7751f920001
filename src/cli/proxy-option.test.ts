import { expect, it } from 'vitest';
import { proxyCommand, proxyOption } from './proxy-option.ts';

it.each([
  ['caddy=http://127.0.0.1:2019', { kind: 'caddy', admin: 'http://127.0.0.1:2019' }],
  ['haproxy=/run/haproxy/admin.sock', { kind: 'haproxy', socket: '/run/haproxy/admin.sock' }],
  [
    'nginx=/etc/nginx/conf.d/a=b.conf',
    {
      kind: 'nginx',
      file: '/etc/nginx/conf.d/a=b.conf',
      test: ['nginx', '-c', '/srv/nginx.conf', '-t'],
      reload: ['nginx', '-c', '/srv/nginx.conf', '-s', 'reload'],
    },
  ],
])('%s is where that proxy is changed', (text, place) => {
  expect(proxyOption.parse(text)('nginx  -c /srv/nginx.conf ')).toEqual(place);
});

it.each(['nginx', 'caddy=', 'traefik=/etc/traefik', 'apache=/etc/apache2'])('%s is asked for anew', (text) => {
  expect(proxyOption.safeParse(text).error?.issues[0]?.message).toMatch(/^write it as caddy=/);
});

it('a command that goes into a container is refused, and says why', () => {
  expect(proxyCommand.safeParse('/usr/bin/docker exec front nginx').error?.issues[0]?.message).toMatch(/packet rules/);
  expect(proxyCommand.parse(undefined)).toBe('nginx');
});
