import { z } from 'zod';
import type { ProxyPlace } from '../protocol/proxy.ts';

export const proxyText =
  'a proxy on that host that is to be told of the gate: caddy=ADMIN-URL, nginx=FILE-WITH-THE-UPSTREAM or haproxy=ADMIN-SOCKET';

const examples = [
  'caddy=http://127.0.0.1:2019',
  'nginx=/etc/nginx/conf.d/shop.conf',
  'haproxy=/run/haproxy/admin.sock',
];

/** One of the examples; for nginx, with the command by which it is run. */
export const proxyOption = z.string().transform((text, context): ((command: string) => ProxyPlace) => {
  const [, kind, where] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (where && kind === 'caddy') return () => ({ kind, admin: where });
  if (where && kind === 'haproxy') return () => ({ kind, socket: where });
  if (where && kind === 'nginx') return (command) => nginxAt(where, command.trim().split(/\s+/));
  context.addIssue(`write it as ${new Intl.ListFormat('en', { type: 'disjunction' }).format(examples)}`);
  return z.NEVER;
});

/** One in a container has a loopback of its own: told of the gate there, it would go past it. */
export const proxyCommand = z
  .string()
  .min(1)
  .refine(
    (command) => !/^(\S*\/)?(docker|podman|nerdctl)\b/.test(command),
    'a proxy in a container is turned by packet rules: leave --proxy out',
  )
  .default('nginx');

const nginxAt = (file: string, command: string[]): ProxyPlace => ({
  kind: 'nginx',
  file,
  test: [...command, '-t'],
  reload: [...command, '-s', 'reload'],
});
