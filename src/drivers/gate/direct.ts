import { readdirSync, readFileSync } from 'node:fs';
import type { GateOrder } from './contract.ts';
import { descriptors, established, listening } from './passing.ts';

export interface Process {
  pid: number;
  name: string;
}

/** Processes of this host that are connected, at this moment, to containers by their own addresses: no rule turns them. `routerPid`: our own, which goes there as it should. */
export function directFromHost({ entries }: GateOrder, routerPid: number | undefined): Process[] {
  const ends = new Set(
    entries.flatMap(({ ways }) =>
      ways.flatMap(({ kind, address, port }) => (kind === 'container' ? `${address}:${port}` : [])),
    ),
  );
  const found = established('self').filter(({ remote }) => ends.has(remote));
  return ownersOf(found).filter(({ pid, name }) => pid !== routerPid && name !== forPublishedPorts);
}

/** Whether what listens at a port of this host's is in a container: then it has addresses of its own. */
export const isPublished = (port: number): boolean =>
  ownersOf(listening('self').filter(({ local }) => local.endsWith(`:${port}`))).some(
    ({ name }) => name === forPublishedPorts,
  );

function ownersOf(sockets: { inode: string }[]): Process[] {
  if (sockets.length === 0) return [];
  const names = new Set(sockets.map(({ inode }) => `socket:[${inode}]`));
  return processes().filter(({ pid }) => descriptors(pid).some((one) => names.has(one)));
}

/** Passes on what comes to a published port by loopback; who comes that way is turned. */
const forPublishedPorts = 'docker-proxy';

const processes = (): Process[] =>
  readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [{ pid: Number(entry), name: readFileSync(`/proc/${entry}/comm`, 'utf8').trim() }];
    } catch {
      return []; // has ended
    }
  });
