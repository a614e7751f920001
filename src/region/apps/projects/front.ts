import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { GateOrder } from '../../../drivers/gate/contract.ts';
import { gateDriverFor } from '../../../drivers/gate/drivers.ts';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { Project, ProjectEntry, ProjectService } from '../../../protocol/app-record/project.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { Front } from '../app-document.ts';
import { ways } from './gate-order.ts';

/** The entry that a proxy on this host stands before. @throws StorkyError proxy_not_found */
export async function frontOf(
  app: string,
  project: Project,
  states: ContainerState[],
  place: ProxyPlace,
  folder: string,
): Promise<Front> {
  let refused = { why: 'no HTTP is spoken at its entries', remedy: 'Say what is spoken there when you adopt it.' };
  for (const { service, entry } of httpEntries(project)) {
    const upstreams = upstreamsOf(service, entry, states);
    const proxy = { place, upstreams, router: '127.0.0.1:1' };
    const entries = [{ name: entry.name, routerPort: 1, ways: [] }];
    const order: GateOrder = { app, entries, proxy, folder: join(folder, 'gate') };
    const found = await gateDriverFor(order).check(order);
    if (found.possible) return { place, entry: entry.name, upstreams };
    refused = found;
  }
  throw new StorkyError('proxy_not_found', { app, proxy: place.kind, detail: refused.why, hint: refused.remedy });
}

/** With the addresses that its containers have now. */
export function frontNow(front: Front | null, project: Project, states: ContainerState[]): Front | null {
  const found = httpEntries(project).find(({ entry }) => entry.name === front?.entry);
  return front && found ? { ...front, upstreams: upstreamsOf(found.service, found.entry, states) } : front;
}

function httpEntries({ services }: Project): { service: ProjectService; entry: ProjectEntry }[] {
  return services.flatMap((service) =>
    service.entries.filter(({ protocol }) => protocol === 'http').map((entry) => ({ service, entry })),
  );
}

/** Every way in which a proxy on this host can have written the entry down. */
function upstreamsOf(service: ProjectService, entry: ProjectEntry, states: ContainerState[]): string[] {
  const all = ways(service, entry, states).flatMap((way) => {
    if (way.kind === 'container') return [at(way.address, way.port)];
    if (way.address === null) return [...ownAddresses(), 'localhost', ''].map((host) => at(host, way.port));
    return [at(way.address, way.port), ...(way.address === '127.0.0.1' ? [at('localhost', way.port)] : [])];
  });
  return [...new Set(all)];
}

const at = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
