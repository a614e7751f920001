import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { Project, ProjectService } from '../../../protocol/app-record/project.ts';
import { accepts } from './until-accepts.ts';

const patienceSeconds = 120;

/** Undefined when every web container runs, is healthy by its own check, and accepts connections; else what keeps it. */
export async function untilReady(
  project: Project,
  states: () => Promise<ContainerState[]>,
  logOf: (container: string) => string,
): Promise<{ seconds: number; detail: string } | undefined> {
  for (const giveUpAt = performance.now() + patienceSeconds * 1000; ; await sleep(250)) {
    const detail = await whatIsMissing(project, await states(), logOf);
    if (detail === undefined) return undefined;
    if (performance.now() > giveUpAt) return { seconds: patienceSeconds, detail };
  }
}

async function whatIsMissing(
  project: Project,
  states: ContainerState[],
  logOf: (container: string) => string,
): Promise<string | undefined> {
  for (const service of project.services.filter(({ role, rests }) => role === 'web' && !rests)) {
    for (const state of states.filter((one) => one.service === service.name)) {
      if (!state.running) return `${state.name} ended with exit code ${state.exitCode}: \`${logOf(state.name)}\``;
      if (state.healthy === false) return `${state.name} is not healthy by its own check`;
      const address = state.addresses[0] ?? '';
      for (const { containerPort } of service.entries)
        if (!(await accepts(address, containerPort)))
          return `${state.name} does not accept connections on port ${containerPort}`;
      const answer = await unhealthy(service, address);
      if (answer !== undefined) return `${state.name} answers ${service.health} with ${answer}`;
    }
  }
  return undefined;
}

/** What it answers at the path that its owner gave, if that says that it is not ready. */
async function unhealthy({ health, entries }: ProjectService, host: string): Promise<string | undefined> {
  const entry = entries.find(({ protocol }) => protocol === 'http');
  if (health === null || !entry) return undefined;
  // By a connection that ends: one that is kept would be counted as a visitor's who goes past the gate.
  const asking = request({ host, port: entry.containerPort, path: health, agent: false, timeout: 10_000 }).end();
  asking.once('timeout', () => asking.destroy(new Error('no answer in 10 seconds')));
  try {
    const [{ statusCode }] = (await once(asking, 'response')) as [IncomingMessage];
    return statusCode! < 400 ? undefined : `${statusCode}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    asking.on('error', () => {}).destroy();
  }
}
