import { z } from 'zod';

/** Proxies in front, and where their configuration is; what a driver does not need is absent. */
export const ProxyPlace = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('caddy'),
    /** `http://127.0.0.1:2019`, or `unix:/run/caddy/admin.sock`. */
    admin: z.string(),
  }),
  z.object({
    kind: z.literal('nginx'),
    /** The file with the `upstream` block. */
    file: z.string(),
    /** `["nginx", "-t"]`, `["docker", "exec", "proxy", "nginx", "-t"]`. */
    test: z.array(z.string()).min(1),
    reload: z.array(z.string()).min(1),
  }),
  z.object({
    kind: z.literal('haproxy'),
    /** Its `stats socket` with `level admin`. */
    socket: z.string(),
  }),
  z.object({
    kind: z.literal('traefik'),
    /** The folder that its file provider watches. */
    folder: z.string(),
    /** The router's rule and entry points, as the labels of the app have them: `Host(`shop.example.org`)`. */
    rule: z.string(),
    entryPoints: z.array(z.string()).default([]),
    certResolver: z.string().nullable().default(null),
    tls: z.boolean().default(false),
  }),
]);
export type ProxyPlace = z.infer<typeof ProxyPlace>;

/** Where its configuration is changed. */
export function whereIs(place: ProxyPlace): string {
  if (place.kind === 'caddy') return place.admin;
  if (place.kind === 'haproxy') return place.socket;
  return place.kind === 'nginx' ? place.file : place.folder;
}
