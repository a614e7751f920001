import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { FoundMount, FoundProject, FoundService } from '../../../protocol/discovery.ts';
import type { ContainerImage, DatabaseEngine } from '../../database/contract.ts';
import { asked } from './docker.ts';
import { carriedAs, kindOfMount, nameOfMount } from './mounts.ts';

type Engine = Pick<DatabaseEngine, 'engine' | 'recognise'>;

const label = (container: ContainerInspectInfo, name: string): string | undefined =>
  container.Config.Labels?.[`com.docker.compose.${name}`];

/** Containers that `docker compose run` or a build has left are no service. */
const isOneOff = (container: ContainerInspectInfo) => label(container, 'oneoff')?.toLowerCase() === 'true';

/** The Compose projects and the single containers of this host, running or not. Reads, and changes nothing. */
export async function discover(region: string, docker: Docker, engines: Engine[]): Promise<FoundProject[]> {
  const list = await asked(region, docker.listContainers({ all: true }));
  const containers = await Promise.all(list.map(({ Id: id }) => inspected(docker, id)));
  const groups = Map.groupBy(
    containers.filter((one) => one !== undefined && !isOneOff(one)) as ContainerInspectInfo[],
    (one) => label(one, 'project') ?? `container ${nameOf(one)}`,
  );
  return [...groups.values()].map((group) => projectOf(group, engines)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Undefined where it has gone since it was listed. */
const inspected = (docker: Docker, id: string): Promise<ContainerInspectInfo | undefined> =>
  docker
    .getContainer(id)
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined;
      throw error;
    });

function projectOf(containers: ContainerInspectInfo[], engines: Engine[]): FoundProject {
  const [first] = containers as [ContainerInspectInfo];
  const project = label(first, 'project');
  const byService = Map.groupBy(containers, (one) => label(one, 'service') ?? nameOf(one));
  const services = [...byService].map(([name, group]) => serviceOf(name, group, engines));
  return {
    name: project ?? nameOf(first),
    kind: project === undefined ? 'container' : 'compose',
    folder: label(first, 'project.working_dir') ?? null,
    files: label(first, 'project.config_files')?.split(',') ?? [],
    services: services.sort((a, b) => (a.name < b.name ? -1 : 1)),
    mounts: mountsOf(byService, services),
  };
}

function serviceOf(name: string, containers: ContainerInspectInfo[], engines: Engine[]): FoundService {
  const [first] = containers as [ContainerInspectInfo];
  const ports = Object.entries(first.HostConfig.PortBindings ?? {}).flatMap(([inside, bindings]) => {
    const [port, protocol = 'tcp'] = inside.split('/');
    return ((bindings ?? []) as { HostIp: string; HostPort: string }[]).map(
      ({ HostIp: address, HostPort: outside }) => ({
        address,
        port: Number(outside),
        containerPort: Number(port),
        protocol,
      }),
    );
  });
  return {
    name,
    image: first.Config.Image,
    containers: containers
      .map((one) => ({ id: one.Id, name: nameOf(one), state: one.State.Status }))
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    ports,
    database: databaseIn(imageOf(first), engines),
  };
}

function databaseIn(image: ContainerImage, engines: Engine[]): FoundService['database'] {
  for (const { engine, recognise } of engines) {
    const found = recognise?.(image);
    if (found) return { engine, version: found.version };
  }
  return null;
}

const imageOf = ({ Config: config }: ContainerInspectInfo): ContainerImage => ({
  reference: config.Image,
  environment: Object.fromEntries(
    (config.Env ?? []).map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]),
  ),
});

function mountsOf(byService: Map<string, ContainerInspectInfo[]>, services: FoundService[]): FoundMount[] {
  const found = new Map<string, FoundMount>();
  for (const [service, [first]] of byService)
    for (const mount of first!.Mounts) {
      const ofDatabase = services.some(({ name, database }) => name === service && database !== null);
      const name = nameOfMount(mount);
      const known = found.get(name);
      if (known) known.services.push(service);
      else found.set(name, { kind: kindOfMount(mount), name, services: [service], ...carriedAs(mount, ofDatabase) });
    }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const nameOf = ({ Name: name }: ContainerInspectInfo): string => name.replace(/^\//, '');
