import type { ContainerInspectInfo } from 'dockerode';
import type { ProjectContainer } from '../../../../protocol/app-record/project.ts';

type HostConfig = ContainerInspectInfo['HostConfig'];
type Endpoint = ContainerInspectInfo['NetworkSettings']['Networks'][string];

/** Of the container itself, whoever makes it again. */
export const shortId = ({ Id: id }: Pick<ContainerInspectInfo, 'Id'>): string => id.slice(0, 12);

/**
 * What makes the container again, as `POST /containers/create` takes it, but for its name, image and networks. All that
 * the image says stands in it too, since that is how Docker tells it; given again it changes nothing.
 */
export function specOf(container: ContainerInspectInfo): ProjectContainer['spec'] {
  const { Image: _, Hostname: hostname, ...config } = container.Config;
  const ownName = hostname !== shortId(container);
  return { ...config, ...(ownName && { Hostname: hostname }), HostConfig: hostConfigOf(container) };
}

/** A volume without a name of its own holds data too: it is asked for by the name that it got. */
function hostConfigOf({ HostConfig, Mounts: mounts }: ContainerInspectInfo): HostConfig {
  const { ContainerIDFile: _, ...config } = HostConfig as HostConfig & { ContainerIDFile?: string };
  const asked = [
    ...(config.Binds ?? []).map((bind) => bind.split(':')[1]),
    ...(config.Mounts ?? []).map((it) => it.Target),
  ];
  const nameless = mounts.filter(({ Type, Destination }) => Type === 'volume' && !asked.includes(Destination));
  if (nameless.length === 0) return config;
  const binds = nameless.map(({ Name, Destination }) => `${Name}:${Destination}`);
  return { ...config, Binds: [...(config.Binds ?? []), ...binds] };
}

/** In which networks it is, and by which names; addresses only where they were asked for. */
export function networksOf(container: ContainerInspectInfo): ProjectContainer['networks'] {
  return Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => ({
    name,
    options: endpointOf(container, endpoint),
  }));
}

function endpointOf(container: ContainerInspectInfo, endpoint: Endpoint): Record<string, unknown> {
  const { IPAMConfig, Links, DriverOpts, Aliases } = endpoint as Endpoint & { DriverOpts?: unknown };
  const aliases = ((Aliases ?? []) as string[]).filter((alias) => alias !== shortId(container));
  return {
    ...(IPAMConfig && { IPAMConfig }),
    ...(Links && { Links }),
    ...(DriverOpts ? { DriverOpts } : {}),
    ...(aliases.length > 0 && { Aliases: aliases }),
  };
}
