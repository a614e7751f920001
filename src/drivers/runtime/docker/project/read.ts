import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { Project } from '../../../../protocol/app-record/project.ts';
import type { ReadHints } from '../../../../protocol/discovery.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseEngine } from '../../../database/contract.ts';
import type { ReadProject } from '../../projects.ts';
import { groupName, inspectAll, labelOf, nameOf } from '../containers.ts';
import { asked } from '../docker.ts';
import { applyKeys, withKeys } from './apply-keys.ts';
import { earlyMounts } from './early-mounts.ts';
import { readMounts } from './read-mounts.ts';
import { readServices } from './read-services.ts';
import { readComposeKeys } from './x-storky.ts';

export interface Reader {
  region: string;
  docker: Docker;
  engines: Pick<DatabaseEngine, 'engine' | 'recognise'>[];
}

/** A Compose project, or a single container, of this host. Reads, and changes nothing. @throws StorkyError unknown_project */
export async function readProject(reader: Reader, name: string, hints: ReadHints): Promise<ReadProject> {
  const containers = await containersOf(reader, name);
  const [first] = containers as [ContainerInspectInfo];
  const keys = readComposeKeys(first);
  const { services, databases, notMoved } = await readServices(reader, containers, withKeys(hints, keys.services));
  const { mounts, ignored, notMoved: left } = readMounts(containers, databases);
  const said = applyKeys(keys, services, mounts, ignored);
  const project: Project = {
    kind: labelOf(first, 'project') === undefined ? 'container' : 'compose',
    name,
    networks: await networksOf(reader, containers),
    mounts: await withSpecs(reader, mounts),
    services: said.services,
    carriers: said.carriers,
    notMoved: [...notMoved, ...left, ...earlyMounts(containers, databases)],
  };
  return { project, databases, ignored: said.ignored };
}

async function containersOf({ region, docker }: Reader, name: string): Promise<ContainerInspectInfo[]> {
  const all = await inspectAll(region, docker);
  const found = all.filter((one) => labelOf(one, 'project') === name);
  const single = all.filter((one) => labelOf(one, 'project') === undefined && nameOf(one) === name);
  const containers = found.length > 0 ? found : single;
  if (containers.length > 0) return containers.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const known = [...new Set(all.map((one) => groupName(one)))].sort().join(', ') || 'nothing';
  throw new StorkyError('unknown_project', { project: name, region, known });
}

/** Those that Docker itself has made are on every host. */
const ofDocker = new Set(['bridge', 'host', 'none']);

async function networksOf(
  { region, docker }: Reader,
  containers: ContainerInspectInfo[],
): Promise<Project['networks']> {
  const names = new Set(containers.flatMap((one) => Object.keys(one.NetworkSettings.Networks)));
  const own = [...names].filter((name) => !ofDocker.has(name)).sort();
  return await Promise.all(
    own.map(async (name) => {
      const { Driver, Internal, Attachable, EnableIPv6, IPAM, Options, Labels } = await asked(
        region,
        docker.getNetwork(name).inspect(),
      );
      const asksFor = containers.some(({ NetworkSettings }) => asksForAddress(NetworkSettings.Networks[name]));
      const ipam = askedIpam(IPAM, asksFor);
      return { name, spec: { Driver, Internal, Attachable, EnableIPv6, IPAM: ipam, Options, Labels } };
    }),
  );
}

/**
 * Docker tells the subnet that it chose as if somebody had asked for it: the other host chooses its own. Only where the owner
 * gave a subnet does Docker let a container have an address of its own, so there he gave one.
 */
const askedIpam = (ipam: Docker.IPAM | undefined, asksFor: boolean) => ({
  Driver: ipam?.Driver ?? 'default',
  Options: ipam?.Options ?? {},
  ...(asksFor && { Config: ipam?.Config ?? [] }),
});

const asksForAddress = (endpoint: { IPAMConfig?: { IPv4Address?: string; IPv6Address?: string } } | undefined) =>
  Boolean(endpoint?.IPAMConfig?.IPv4Address || endpoint?.IPAMConfig?.IPv6Address);

async function withSpecs({ region, docker }: Reader, mounts: Project['mounts']): Promise<Project['mounts']> {
  return await Promise.all(
    mounts.map(async (mount) => {
      if (mount.kind !== 'volume') return mount;
      const { Driver, Labels, Options } = await asked(region, docker.getVolume(mount.name).inspect());
      return { ...mount, spec: { Driver, ...(Labels && { Labels }), ...(Options && { DriverOpts: Options }) } };
    }),
  );
}
