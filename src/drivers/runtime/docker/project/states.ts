import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { Project, ProjectService } from '../../../../protocol/app-record/project.ts';
import type { ContainerState } from '../../projects.ts';
import { inspectIfThere } from '../containers.ts';

const absent = {
  running: false,
  healthy: null,
  exitCode: null,
  restarts: 0,
  since: new Date(0).toISOString(),
  pid: null,
  addresses: [],
};

export async function statesOf(docker: Docker, project: Project): Promise<ContainerState[]> {
  const all = project.services.flatMap((service) => service.containers.map(({ name }) => ({ service, name })));
  return await Promise.all(
    all.map(async ({ service, name }) => {
      const container = await inspectIfThere(docker, name);
      return { name, service: service.name, ...(container ? stateOf(project, service, container) : absent) };
    }),
  );
}

function stateOf(
  project: Project,
  service: ProjectService,
  container: ContainerInspectInfo,
): Omit<ContainerState, 'name' | 'service'> {
  const { State: state, RestartCount: restarts } = container;
  const health = (state as { Health?: { Status: string } }).Health?.Status;
  return {
    running: state.Running,
    healthy: health === undefined || health === 'none' ? null : health === 'healthy',
    exitCode: state.Running ? null : state.ExitCode,
    restarts,
    since: new Date(state.Running ? state.StartedAt : state.FinishedAt).toISOString(),
    pid: state.Running ? state.Pid : null,
    addresses: state.Running ? addressesIn(project, service, container) : [],
  };
}

/** The network that most services share comes first: from there their answers come back. */
function addressesIn(project: Project, service: ProjectService, container: ContainerInspectInfo): string[] {
  const uses = (network: string) =>
    project.services.filter(
      (other) => other !== service && other.containers.some((one) => one.networks.some(({ name }) => name === network)),
    ).length;
  return Object.entries(container.NetworkSettings.Networks)
    .filter(([, { IPAddress }]) => Boolean(IPAddress))
    .sort(([a], [b]) => uses(b) - uses(a))
    .map(([, { IPAddress }]) => IPAddress);
}
