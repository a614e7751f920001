import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { Project } from '../../../protocol/app-record/project.ts';
import { accepts } from './until-accepts.ts';

const patienceSeconds = 120;

/** Undefined when every web container runs, is healthy by its own check, and accepts connections; else what keeps it. */
export async function untilReady(
  project: Project,
  states: () => Promise<ContainerState[]>,
): Promise<{ seconds: number; detail: string } | undefined> {
  for (const giveUpAt = performance.now() + patienceSeconds * 1000; ; await sleep(250)) {
    const detail = await whatIsMissing(project, await states());
    if (detail === undefined) return undefined;
    if (performance.now() > giveUpAt) return { seconds: patienceSeconds, detail };
  }
}

async function whatIsMissing(project: Project, states: ContainerState[]): Promise<string | undefined> {
  for (const service of project.services.filter(({ role, rests }) => role === 'web' && !rests)) {
    for (const state of states.filter((one) => one.service === service.name)) {
      if (!state.running) return `${state.name} ended with exit code ${state.exitCode}: \`docker logs ${state.name}\``;
      if (state.healthy === false) return `${state.name} is not healthy by its own check`;
      for (const { containerPort } of service.entries)
        if (!(await accepts(state.addresses[0] ?? '', containerPort)))
          return `${state.name} does not accept connections on port ${containerPort}`;
    }
  }
  return undefined;
}
