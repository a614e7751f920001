import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { ComposeHost } from './compose-hosts.ts';

/** What differs between two hosts though a project is the same on both: by the path in `docker inspect`. */
const allowed: Record<string, RegExp[]> = {
  // Each container, network and host has its own.
  'identity and place': [
    /^(Id|Created|ResolvConfPath|HostnamePath|HostsPath|LogPath|ProcessLabel|MountLabel|AppArmorProfile)$/,
  ],
  'the state of the moment': [/^State\b/, /^RestartCount$/, /^HostConfig\.RestartPolicy\b/],
  'addresses and identifiers of networks': [/^NetworkSettings\b/],
  'where the storage driver keeps its layers': [/^GraphDriver\b/, /^Storage\b/],
  'the container’s own identifier as its host name': [/^Config\.Hostname$/],
  'where a volume lies': [/^Mounts\.\d+\.Source$/],
};

/** In words; empty is good. */
export async function projectDifferences(west: ComposeHost, east: ComposeHost): Promise<string[]> {
  const [names, there] = await Promise.all([west, east].map(containersOf));
  const found = JSON.stringify(names) === JSON.stringify(there) ? [] : [`containers: ${names} and ${there}`];
  for (const name of names!) {
    const [here, there] = await Promise.all([west, east].map((host) => inspect(host.docker, name)));
    found.push(...differences(here, there).map((path) => `${name}: ${path}`));
  }
  for (const kind of ['volumes', 'networks'] as const) {
    const [here, there] = await Promise.all([west, east].map((host) => listed(host.docker, kind)));
    if (JSON.stringify(here) !== JSON.stringify(there)) found.push(`${kind}: ${JSON.stringify([here, there])}`);
  }
  const [files, copies] = [west, east].map((host) => host.run('sh', '-c', ownership).stdout);
  if (files !== copies) found.push(`files: ${files} ${copies}`);
  return found;
}

/** Owner, mode, size and time, to the second, of all that the project has beside its database. */
const ownership = "cd /srv/shop && find . -mindepth 1 -printf '%p %U %G %m %s %TY-%Tm-%Td %TH:%TM:%.2TS\\n' | sort";

const containersOf = async ({ docker }: ComposeHost) =>
  (await docker.listContainers({ all: true })).map(({ Names }) => Names[0]!.slice(1)).sort();

async function inspect(docker: Docker, name: string): Promise<ContainerInspectInfo> {
  const container = await docker.getContainer(name).inspect();
  container.Mounts.sort((a, b) => a.Destination.localeCompare(b.Destination));
  return container;
}

function differences(here: unknown, there: unknown, path = ''): string[] {
  if (
    Object.values(allowed)
      .flat()
      .some((pattern) => pattern.test(path))
  )
    return [];
  if (typeof here !== 'object' || typeof there !== 'object' || here === null || there === null)
    return here === there ? [] : [`${path}: ${JSON.stringify(here)} and ${JSON.stringify(there)}`];
  const keys = new Set([...Object.keys(here), ...Object.keys(there)]);
  return [...keys].flatMap((key) =>
    differences(
      (here as Record<string, unknown>)[key],
      (there as Record<string, unknown>)[key],
      path ? `${path}.${key}` : key,
    ),
  );
}

async function listed(docker: Docker, kind: 'volumes' | 'networks'): Promise<unknown[]> {
  if (kind === 'volumes')
    return (await docker.listVolumes()).Volumes.map(({ Name, Driver, Labels, Options }) => ({
      Name,
      Driver,
      Labels,
      Options,
    })).sort((a, b) => a.Name.localeCompare(b.Name));
  return (await docker.listNetworks())
    .map(({ Name, Driver, Labels, Internal, Attachable }) => ({ Name, Driver, Labels, Internal, Attachable }))
    .sort((a, b) => a.Name.localeCompare(b.Name));
}
