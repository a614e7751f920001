import { existsSync, mkdirSync } from 'node:fs';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import type {
  Project,
  ProjectContainer,
  ProjectMount,
  ProjectService,
} from '../../../../protocol/app-record/project.ts';
import { inspectIfThere } from '../containers.ts';
import { asked } from '../docker.ts';

export interface Host {
  region: string;
  docker: Docker;
  socket: string;
}

/** Containers of a service, stopped, in the project's networks. Those that are there stay as they are. */
export async function makeService(host: Host, project: Project, service: ProjectService): Promise<void> {
  for (const { name, spec } of project.networks) await makeNetwork(host, name, spec);
  for (const mount of project.mounts) if (mount.kind === 'volume') await makeVolume(host, mount);
  for (const container of service.containers)
    if (!(await inspectIfThere(host.docker, container.name))) await makeContainer(host, container);
}

/** The volume, or the folder with those above it; true where there was none. */
export async function makeMount(host: Host, mount: ProjectMount): Promise<boolean> {
  if (mount.kind === 'volume') return await makeVolume(host, mount);
  const isNew = !existsSync(mount.name);
  mkdirSync(mount.name, { recursive: true });
  return isNew;
}

async function makeVolume({ region, docker }: Host, { name, spec }: ProjectMount): Promise<boolean> {
  if (!(await gone(docker.getVolume(name).inspect()))) return false;
  await asked(region, docker.createVolume({ Name: name, ...spec }));
  return true;
}

async function makeNetwork({ region, docker }: Host, name: string, spec: Record<string, unknown>): Promise<void> {
  if (await gone(docker.getNetwork(name).inspect()))
    await asked(region, docker.createNetwork({ Name: name, CheckDuplicate: true, ...spec }));
}

async function makeContainer(
  { region, docker }: Host,
  { name, image, spec, networks }: ProjectContainer,
): Promise<void> {
  const host = spec.HostConfig as { NetworkMode?: string };
  const [first, ...others] = [...networks].sort(
    (a, b) => Number(b.name === host.NetworkMode) - Number(a.name === host.NetworkMode),
  );
  const options = {
    ...spec,
    name,
    Image: image.reference,
    // Until the app is active here, nothing but Storky starts it, the host's own start least of all.
    HostConfig: { ...host, RestartPolicy: { Name: 'no' } },
    ...(first && { NetworkingConfig: { EndpointsConfig: { [first.name]: first.options } } }),
  } as ContainerCreateOptions;
  const container = await asked(region, docker.createContainer(options));
  for (const network of others)
    await asked(
      region,
      docker.getNetwork(network.name).connect({ Container: container.id, EndpointConfig: network.options }),
    );
}

/** Is there none of it? */
export const gone = (looked: Promise<unknown>): Promise<boolean> =>
  looked.then(
    () => false,
    (error: { statusCode?: number }) => {
      if (error.statusCode === 404) return true;
      throw error;
    },
  );
