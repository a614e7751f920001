import { readFileSync } from 'node:fs';
import type { ContainerInspectInfo } from 'dockerode';
import type { ProjectEntry } from '../../../../protocol/app-record/project.ts';
import { isHttp } from './is-http.ts';

interface Published {
  containerPort: number;
  protocol: string;
  published: ProjectEntry['published'];
}

/** The ports that visitors of the host come to. */
export function publishedPorts({ HostConfig, NetworkSettings }: ContainerInspectInfo): Published[] {
  const asked = (HostConfig.PortBindings ?? {}) as Record<string, { HostIp: string; HostPort: string }[] | null>;
  return Object.entries(asked).map(([inside, bindings]) => {
    const [port, protocol = 'tcp'] = inside.split('/');
    // A port that Docker may choose is only known where it runs.
    const given = (bindings ?? []).some(({ HostPort }) => !HostPort) ? NetworkSettings.Ports[inside] : bindings;
    const published = (given ?? []).map(({ HostIp, HostPort }) => ({ address: HostIp, port: Number(HostPort) }));
    return { containerPort: Number(port), protocol, published: distinct(published.filter((it) => it.port > 0)) };
  });
}

/** Docker tells each address family apart where nobody asked for one. */
function distinct(published: ProjectEntry['published']): ProjectEntry['published'] {
  const everywhere = new Set(['', '0.0.0.0', '::']);
  const plain = published.map(({ address, port }) => ({ address: everywhere.has(address) ? '' : address, port }));
  return [...new Map(plain.map((it) => [`${it.address}:${it.port}`, it])).values()];
}

/** Where a process of its network listens, but on loopback; undefined where it does not run. */
export function listeningPorts({ State }: ContainerInspectInfo): number[] | undefined {
  if (!State.Running || !State.Pid) return undefined;
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${State.Pid}/net/${table}`, 'utf8').split('\n').slice(1),
  );
  const listening = lines.map((line) => line.trim().split(/\s+/)).filter((fields) => fields[3] === '0A');
  const outward = listening.map((fields) => fields[1]!).filter((end) => !/^[0-9A-F]{6}7F:|^0{24}01000000:/.test(end));
  return [...new Set(outward.map((end) => Number.parseInt(end.split(':')[1]!, 16)))];
}

/** What is spoken there: found out by asking, as a visitor would. */
export async function protocolOf(container: ContainerInspectInfo, port: number): Promise<ProjectEntry['protocol']> {
  const [address] = addressesOf(container);
  return address !== undefined && (await isHttp(address, port)) ? 'http' : 'tcp';
}

export const addressesOf = ({ NetworkSettings }: ContainerInspectInfo): string[] =>
  Object.values(NetworkSettings.Networks)
    .map(({ IPAddress }) => IPAddress)
    .filter(Boolean);
