import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { Project } from '../../../protocol/app-record/project.ts';
import type { ProcessView } from '../../../protocol/region-contract.ts';

/** Its containers, as `ps` shows an app's processes. */
export function viewsOf({ services }: Project, states: ContainerState[]): ProcessView[] {
  return states.map((state) => {
    const service = services.find(({ name }) => name === state.service)!;
    const index = service.containers.findIndex(({ name }) => name === state.name) + 1;
    return {
      id: state.name,
      type: service.role === 'web' ? 'web' : service.name,
      index,
      state: stateOf(state),
      pid: state.pid,
      restarts: state.restarts,
      since: state.since,
      command: service.containers[index - 1]!.image.reference,
    };
  });
}

function stateOf({ running, healthy, exitCode, restarts }: ContainerState): ProcessView['state'] {
  if (running) return healthy === false ? 'starting' : 'running';
  return exitCode !== null && exitCode !== 0 && restarts > 0 ? 'backing-off' : 'stopped';
}
