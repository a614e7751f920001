import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import { ownLabel } from '../../../protocol/discovery.ts';
import type { ContainerImage } from '../../database/contract.ts';
import { asked } from './docker.ts';

/** What Compose has written on a container. */
export const labelOf = (container: ContainerInspectInfo, name: string): string | undefined =>
  container.Config.Labels?.[`com.docker.compose.${name}`];

export const nameOf = ({ Name: name }: ContainerInspectInfo): string => name.replace(/^\//, '');

/** By which `apps --discover` and `adopt` know it: the project, or the container itself. */
export const groupName = (container: ContainerInspectInfo): string =>
  labelOf(container, 'project') ?? nameOf(container);

export const serviceNameOf = (container: ContainerInspectInfo): string =>
  labelOf(container, 'service') ?? nameOf(container);

/** Containers that `docker compose run` or a build has left are no service. */
const isOneOff = (container: ContainerInspectInfo) => labelOf(container, 'oneoff')?.toLowerCase() === 'true';

const isOurs = (container: ContainerInspectInfo) => container.Config.Labels?.[ownLabel] !== undefined;

/** Every container of the host that is a service, running or not. */
export async function inspectAll(region: string, docker: Docker): Promise<ContainerInspectInfo[]> {
  const list = await asked(region, docker.listContainers({ all: true }));
  const containers = await Promise.all(list.map(({ Id: id }) => inspectIfThere(docker, id)));
  return containers.filter((one) => one !== undefined && !isOneOff(one) && !isOurs(one)) as ContainerInspectInfo[];
}

/** Undefined where there is none of that name or id. */
export const inspectIfThere = (docker: Docker, name: string): Promise<ContainerInspectInfo | undefined> =>
  docker
    .getContainer(name)
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined;
      throw error;
    });

/** As the engines of databases recognise it. */
export const imageOf = ({ Config: config }: ContainerInspectInfo): ContainerImage => ({
  reference: config.Image,
  environment: variables(config.Env),
});

/** Of what Docker writes as `NAME=value`; null, where there are none. */
export const variables = (pairs: string[] | null | undefined): Record<string, string> =>
  Object.fromEntries((pairs ?? []).map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]));
