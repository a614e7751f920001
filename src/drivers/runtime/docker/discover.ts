import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { FoundMount, FoundProject, FoundService } from '../../../protocol/discovery.ts';
import type { ContainerImage, DatabaseEngine, Recognised } from '../../database/contract.ts';
import { groupName, imageOf, inspectAll, labelOf, nameOf, serviceNameOf } from './containers.ts';
import { carriedAs, holdsDataOf, kindOfMount, nameOfMount } from './mounts.ts';

type Engine = Pick<DatabaseEngine, 'engine' | 'recognise'>;

/** The Compose projects and the single containers of this host, running or not. Reads, and changes nothing. */
export async function discover(region: string, docker: Docker, engines: Engine[]): Promise<FoundProject[]> {
  const groups = Map.groupBy(
    await inspectAll(region, docker),
    (one) => labelOf(one, 'project') ?? `container ${nameOf(one)}`,
  );
  return [...groups.values()].map((group) => projectOf(group, engines)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function projectOf(containers: ContainerInspectInfo[], engines: Engine[]): FoundProject {
  const [first] = containers as [ContainerInspectInfo];
  const project = labelOf(first, 'project');
  const byService = Map.groupBy(containers, serviceNameOf);
  const services = [...byService].map(([name, group]) => serviceOf(name, group, engines));
  return {
    name: groupName(first),
    kind: project === undefined ? 'container' : 'compose',
    folder: labelOf(first, 'project.working_dir') ?? null,
    files: labelOf(first, 'project.config_files')?.split(',') ?? [],
    services: services.sort((a, b) => (a.name < b.name ? -1 : 1)),
    mounts: mountsOf(byService, engines),
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

/** The engine whose server the image is, if there is one. */
export function databaseIn(image: ContainerImage, engines: Engine[]): (Recognised & { engine: string }) | null {
  for (const { engine, recognise } of engines) {
    const found = recognise?.(image);
    if (found) return { engine, ...found };
  }
  return null;
}

function mountsOf(byService: Map<string, ContainerInspectInfo[]>, engines: Engine[]): FoundMount[] {
  const found = new Map<string, FoundMount>();
  for (const [service, [first]] of byService) {
    const database = databaseIn(imageOf(first!), engines);
    for (const mount of first!.Mounts) {
      const ofDatabase = database !== null && holdsDataOf(mount, database);
      const name = nameOfMount(mount);
      const known = found.get(name);
      if (known) known.services.push(service);
      else found.set(name, { kind: kindOfMount(mount), name, services: [service], ...carriedAs(mount, ofDatabase) });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
