import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Processes } from '../../examples/demo/processes.ts';
import { freePort } from '../../src/base/free-port.ts';
import { authorityWith } from '../../src/cli/connection/certificate.ts';
import { type Connection, connectTo } from '../../src/cli/connection/client.ts';
import { type LatencyProxy, latencyProxy } from '../support/latency-proxy.ts';
import { prepareTally } from '../tally/prepare.ts';

export const regions = ['west', 'east'] as const;
export type Region = (typeof regions)[number];
export const otherThan = (region: Region): Region => (region === 'west' ? 'east' : 'west');

export interface World {
  api: Connection['api'];
  /** `http://host:port` of each region's router. */
  urls: Record<Region, string>;
  folderOf(region: Region): string;
  /** Milliseconds each way, for everything that comes into a region from the other one or the server, where the link is a slow one. */
  setDelay(delayMs: number): void;
  /** Resident memory now, of the server and each region's agent. */
  megabytes(): Record<string, number>;
  end(): Promise<void>;
}

/**
 * A control plane and two regions, each a process with a folder of its own, and the tally in the first. `slowLink`: what comes
 * into a region passes a proxy, whose delay can be set.
 */
export async function buildWorld(folder: string, { slowLink = false } = {}): Promise<World> {
  const processes = new Processes(folder);
  const doors: LatencyProxy[] | undefined = slowLink ? [] : undefined;
  const end = async () => {
    await processes.stopAll();
    for (const door of doors ?? []) await door.close();
  };
  try {
    const { address, fingerprint, firstToken } = await processes.start<ServerStart>('server', [
      'server',
      ...['--data', join(folder, 'server'), '--listen', '127.0.0.1:0', '--login'],
    ]);
    const connection = connectTo({ address, token: firstToken, ca: await authorityWith(fingerprint, address) });
    const urls = {} as World['urls'];
    for (const region of regions) urls[region] = await startRegion(processes, connection, region, doors);
    await processes.run(['--region', 'west', 'apply', '-f', prepareTally(join(folder, 'tally')), '--yes']);
    return {
      api: connection.api,
      urls,
      folderOf: (region) => join(folder, region),
      setDelay(delayMs) {
        for (const door of doors ?? []) door.setDelay(delayMs);
      },
      megabytes: () => Object.fromEntries(Object.entries(processes.pids).map(([name, pid]) => [name, residentMb(pid)])),
      end: () => connection.close().then(end),
    };
  } catch (error) {
    await end();
    throw error;
  }
}

const residentMb = (pid: number): number =>
  Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000);

interface ServerStart {
  address: string;
  fingerprint: string;
  firstToken: string;
}

/** Where a region really listens when it is reached through doors: at the same ports of another address of loopback. */
const hidden = '127.0.0.2';

async function startRegion(
  processes: Processes,
  { address, api }: Connection,
  region: Region,
  doors: LatencyProxy[] | undefined,
): Promise<string> {
  const { token } = await api.regions.add({ name: region });
  const [host, agent, ingress] = doors ? [hidden, await openDoor(doors), await openDoor(doors)] : ['127.0.0.1', 0, 0];
  const origin = ['--name', region, '--server', address, '--token', token, '--data', join(processes.folder, region)];
  const place = ['--listen', `${host}:${agent}`, '--advertise', '127.0.0.1', '--domain', `${region}.localhost`];
  const ports = ['--http-port', '0', '--ingress-port', String(ingress), '--stop-all'];
  const { httpPort } = await processes.start<{ httpPort: number }>(region, ['agent', ...origin, ...place, ...ports]);
  return `http://${host}:${httpPort}`;
}

async function openDoor(doors: LatencyProxy[]): Promise<number> {
  const port = await freePort();
  doors.push(await latencyProxy({ listen: port, target: { host: hidden, port }, delayMs: 0 }));
  return port;
}
