import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { syncFolder, writeFileAtomic } from '../../../base/atomic-file.ts';
import type { GateCheck, GateDriver, Standing } from '../contract.ts';
import { type ProxyOrder, proxyOrder } from './place.ts';

/**
 * Traefik in front of the app: a file of our own in the folder that its file provider watches. Its router has the same
 * rule as the app's and goes before it; while nobody listens at the gate, its service falls back to the app.
 */
export const traefik: GateDriver = {
  name: 'traefik',

  async check(order): Promise<GateCheck> {
    const { place } = proxyOrder(order, 'traefik');
    if (existsSync(place.folder))
      return { possible: true, notes: ['Traefik reads its files every 2 s at most; the gate is in when it has.'] };
    const remedy = 'Give the folder that its file provider watches (a folder, not a file), or use packet rules.';
    return { possible: false, why: `${place.folder} does not exist`, remedy };
  },

  async insert(order) {
    const wanted = proxyOrder(order, 'traefik');
    writeFileAtomic(fileOf(wanted), textOf(wanted), 0o644);
  },

  async verify(order): Promise<Standing> {
    const wanted = proxyOrder(order, 'traefik');
    if (!existsSync(fileOf(wanted))) return 'out';
    return readFileSync(fileOf(wanted), 'utf8') === textOf(wanted) ? 'in' : 'partly';
  },

  async remove(order) {
    const wanted = proxyOrder(order, 'traefik');
    if (!existsSync(fileOf(wanted))) return;
    rmSync(fileOf(wanted));
    syncFolder(wanted.place.folder);
  },
};

type Wanted = ProxyOrder<'traefik'>;

const fileOf = ({ app, place }: Wanted): string => join(place.folder, `storky-${app}.yml`);

/** Above every priority that comes from the length of a rule, below those that Traefik keeps for itself. */
const priority = 1_000_000;

function textOf({ app, place, upstreams, router }: Wanted): string {
  const name = `storky-${app}`;
  const { rule, entryPoints, certResolver } = place;
  const tls = certResolver ? { certResolver } : {};
  // Refused at once while nobody listens; a gate that holds answers this path all the same.
  const healthCheck = { path: '/.well-known/storky-gate', interval: '1s', timeout: '1s' };
  const http = {
    routers: {
      [name]: {
        rule,
        priority,
        service: name,
        ...(entryPoints.length > 0 && { entryPoints }),
        ...((place.tls || certResolver) && { tls }),
      },
    },
    services: {
      [name]: { failover: { service: `${name}-gate`, fallback: `${name}-app` } },
      [`${name}-gate`]: { loadBalancer: { servers: [{ url: `http://${router}` }], healthCheck } },
      [`${name}-app`]: { loadBalancer: { servers: upstreams.map((one) => ({ url: `http://${one}` })) } },
    },
  };
  return `# The gate of ${app}; written by Storky, which takes it away again.\n${stringify({ http })}`;
}
