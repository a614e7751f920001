import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Passing } from './contract.ts';

export interface Where {
  /** A process of the app's container, by which its network is found. */
  pid: number;
  /** The container's ports that the gate stands before. */
  ports: number[];
}

/**
 * Connections that were open before the gate came in, or that go past it in some other way: those of the app's containers
 * without those of the router. A switch waits until there are none, as it waits for what is in flight in the router.
 */
export function passingBy(containers: Where[], routerPid: number | undefined): Passing[] {
  const own = routerPid === undefined ? new Set<string>() : endsOf(routerPid);
  return containers.flatMap(({ pid, ports }) =>
    established(pid).flatMap(({ local, remote }) =>
      ports.includes(portOf(local)) && !own.has(remote) ? [{ client: remote, app: local }] : [],
    ),
  );
}

/** Ends of the router's own connections: as the container sees them, they are its clients. */
function endsOf(pid: number): Set<string> {
  const inodes = new Set(descriptors(pid).map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  return new Set(established(pid).flatMap(({ local, inode }) => (inodes.has(inode) ? [local] : [])));
}

/** A process that has ended has no connections. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What each of its open files is; none where it has ended. */
export function descriptors(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

interface Socket {
  local: string;
  remote: string;
  inode: string;
}

/** Of the network in which the process lives. A half-closed connection may still carry an answer, so it counts. */
export const established = (pid: number | 'self'): Socket[] => socketsOf(pid, ['01', '08']);

export const listening = (pid: number | 'self'): Socket[] => socketsOf(pid, ['0A']);

function socketsOf(pid: number | 'self', states: string[]): Socket[] {
  return ['tcp', 'tcp6'].flatMap((table) =>
    readIfThere(`/proc/${pid}/net/${table}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => states.includes(state!))
      .map((fields) => ({ local: readable(fields[1]!), remote: readable(fields[2]!), inode: fields[9]! })),
  );
}

const portOf = (end: string): number => Number(end.slice(end.lastIndexOf(':') + 1));

/** The kernel writes addresses as 32-bit words in the machine's order; IPv4 within IPv6 is written as IPv4. */
function readable(end: string): string {
  const [hex, port] = end.split(':') as [string, string];
  const bytes = hex.match(/.{8}/g)!.flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const mapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  const address =
    bytes.length === 4 || mapped
      ? bytes.slice(-4).join('.')
      : `[${Buffer.from(bytes).toString('hex').match(/.{4}/g)!.join(':')}]`;
  return `${address}:${Number.parseInt(port, 16)}`;
}
