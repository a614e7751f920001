import { readdirSync, readFileSync } from 'node:fs';
import type { GateOrder } from './contract.ts';
import { descriptors, established } from './passing.ts';

/** A process of this host that is connected to containers by their own addresses, where packet rules turn nobody. */
export interface Direct {
  pid: number;
  name: string;
}

/** Those that are connected at this moment. `routerPid`: our own, which goes there as it should. */
export function directFromHost({ entries }: GateOrder, routerPid: number | undefined): Direct[] {
  const ends = new Set(
    entries.flatMap(({ ways }) =>
      ways.flatMap(({ kind, address, port }) => (kind === 'container' ? `${address}:${port}` : [])),
    ),
  );
  const sockets = new Set(
    established('self').flatMap(({ remote, inode }) => (ends.has(remote) ? [`socket:[${inode}]`] : [])),
  );
  if (sockets.size === 0) return [];
  return processes().filter(
    ({ pid, name }) =>
      pid !== routerPid && name !== forPublishedPorts && descriptors(pid).some((one) => sockets.has(one)),
  );
}

/** Passes on what comes to a published port by loopback; who comes that way is turned. */
const forPublishedPorts = 'docker-proxy';

const processes = (): Direct[] =>
  readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [{ pid: Number(entry), name: readFileSync(`/proc/${entry}/comm`, 'utf8').trim() }];
    } catch {
      return []; // has ended
    }
  });
