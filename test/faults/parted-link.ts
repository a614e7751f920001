import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { freePort } from '../../src/base/free-port.ts';
import { behindLinks } from '../e2e/stage/fragile-link.ts';
import type { RegionOptions } from '../e2e/stage/region.ts';
import { type LatencyProxy, latencyProxy } from '../support/latency-proxy.ts';
import type { AtEnd } from '../support/spawned.ts';

/** Who comes to a region by it: the server, or the other region (its agent, and the requests that its router forwards). */
export interface PartedLink {
  /** For `Stage.set`. */
  region: Partial<RegionOptions>;
  server: LatencyProxy[];
  peer: LatencyProxy[];
}

/** The ways to a region, of which each can be cut or slowed down by itself. */
export async function partedLink(serverPid: () => number, atEnd: AtEnd): Promise<PartedLink> {
  const ports = { agent: await freePort(), http: 0, ingress: await freePort() };
  const { host, region } = behindLinks(ports);
  const to = (port: number, listen = 0) => latencyProxy({ listen, target: { host, port }, delayMs: 0 });
  const [server, peer, ingress] = await Promise.all([
    to(ports.agent),
    to(ports.agent),
    to(ports.ingress, ports.ingress),
  ]);
  const close = await door(ports.agent, (clientPort) => (owns(serverPid(), clientPort) ? server.port : peer.port));
  atEnd(async () => {
    await close();
    await Promise.all([server, peer, ingress].map((proxy) => proxy.close()));
  });
  return { region, server: [server], peer: [peer, ingress] };
}

/** Passes each connection on to the port that is chosen for it; one that is reset there is reset here. */
async function door(port: number, choose: (clientPort: number) => number): Promise<() => Promise<void>> {
  const open = new Set<() => void>();
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const way = { host: '127.0.0.1', port: choose(client.remotePort!), allowHalfOpen: true, noDelay: true };
    const inner = connect(way);
    const reset = () => {
      for (const socket of [client, inner]) socket.resetAndDestroy();
    };
    open.add(reset);
    for (const socket of [client, inner]) socket.on('error', reset).on('close', () => open.delete(reset));
    client.pipe(inner).pipe(client);
  });
  await new Promise<void>((resolve, reject) => listener.once('error', reject).listen(port, '127.0.0.1', resolve));
  return async () => {
    for (const reset of open) reset();
    await new Promise((resolve) => listener.close(resolve));
  };
}

/** Whether the process has the socket that is bound to this port of loopback, as the kernel's tables say. */
function owns(pid: number, port: number): boolean {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1] === local);
  if (!row) return false;
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === `socket:[${row[9]}]`);
  } catch {
    return false; // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
