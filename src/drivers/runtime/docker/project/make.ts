import { existsSync, mkdirSync } from 'node:fs';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import type {
  Project,
  ProjectContainer,
  ProjectMount,
  ProjectService,
} from '../../../../protocol/app-record/project.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { MadeParts } from '../../projects.ts';
import { inspectIfThere } from '../containers.ts';
import { asked } from '../docker.ts';
import { holdsSomething, partOf } from './parts.ts';

export interface Host {
  region: string;
  docker: Docker;
  socket: string;
}

/** Containers of a service, stopped, in the project's networks. Those that were made before stay as they are. */
export async function makeService(
  host: Host,
  project: Project,
  service: ProjectService,
  made: MadeParts,
): Promise<void> {
  for (const { name, spec } of project.networks) await makeNetwork(host, name, spec, made);
  for (const mount of project.mounts) if (mount.kind === 'volume') await makeVolume(host, mount, made);
  for (const container of service.containers) await makeContainer(host, container, made);
}

/** The volume, or the folder with those above it. @throws StorkyError name_taken_on_host */
export async function makeMount(host: Host, mount: ProjectMount, made: MadeParts): Promise<void> {
  if (mount.kind === 'volume') return await makeVolume(host, mount, made);
  makeFolder(host.region, mount.name, made);
}

/** An empty folder is taken as it is; what comes to lie in it is ours. */
function makeFolder(region: string, path: string, made: MadeParts): void {
  if (made.has(partOf.folder(path)) || made.has(partOf.contents(path))) return;
  if (holdsSomething(path)) throw taken(region, partOf.folder(path));
  made.add(existsSync(path) ? partOf.contents(path) : partOf.folder(path));
  mkdirSync(path, { recursive: true });
}

async function makeVolume({ region, docker }: Host, { name, spec }: ProjectMount, made: MadeParts): Promise<void> {
  const isThere = !(await gone(docker.getVolume(name).inspect()));
  if (isOurs(region, partOf.volume(name), isThere, made)) return;
  await asked(region, docker.createVolume({ Name: name, ...spec }));
}

/** One that is there is used with those who are in it already. */
async function makeNetwork(
  { region, docker }: Host,
  name: string,
  spec: Record<string, unknown>,
  made: MadeParts,
): Promise<void> {
  if (!(await gone(docker.getNetwork(name).inspect()))) return;
  made.add(partOf.network(name));
  await asked(region, docker.createNetwork({ Name: name, CheckDuplicate: true, ...spec }));
}

async function makeContainer({ region, docker }: Host, wanted: ProjectContainer, made: MadeParts): Promise<void> {
  const { name, image, spec, networks } = wanted;
  const there = await inspectIfThere(docker, name);
  if (isOurs(region, partOf.container(name), Boolean(there), made)) return;
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
  const container = await asked(region, docker.createContainer(options)).catch((error: Error) => {
    // Somebody was faster: it is theirs.
    if ((error.cause as { statusCode?: number } | undefined)?.statusCode === 409) made.delete(partOf.container(name));
    throw error;
  });
  for (const network of others)
    await asked(
      region,
      docker.getNetwork(network.name).connect({ Container: container.id, EndpointConfig: network.options }),
    );
}

/** Was it made before? Else it is written down, to be made now. @throws StorkyError name_taken_on_host */
function isOurs(region: string, part: string, isThere: boolean, made: MadeParts): boolean {
  if (isThere && !made.has(part)) throw taken(region, part);
  if (!isThere) made.add(part);
  return isThere;
}

const taken = (region: string, part: string) => new StorkyError('name_taken_on_host', { region, part });

/** Is there none of it? */
export const gone = (looked: Promise<unknown>): Promise<boolean> =>
  looked.then(
    () => false,
    (error: { statusCode?: number }) => {
      if (error.statusCode === 404) return true;
      throw error;
    },
  );
