import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { ProjectContainer, ProjectService } from '../../../../protocol/app-record/project.ts';
import type { StartedAgain } from '../../projects.ts';
import { inspectIfThere } from '../containers.ts';
import { asked } from '../docker.ts';
import type { Host } from './make.ts';

interface RestartPolicy {
  Name?: string;
  MaximumRetryCount?: number;
}

/** As its owner would, with the restart policy that he gave it; or with none. Those that run go on. */
export async function startService(
  { region, docker }: Host,
  { containers }: ProjectService,
  again: StartedAgain = 'by its engine',
): Promise<void> {
  for (const { name, spec } of containers) {
    const { RestartPolicy: given } = spec.HostConfig as { RestartPolicy?: RestartPolicy };
    const policy = again === 'by its engine' ? given : undefined;
    await restartBy(region, docker, name, policy ?? { Name: 'no' });
    await startContainer({ region, docker }, name);
  }
}

export const startContainer = ({ region, docker }: Pick<Host, 'region' | 'docker'>, name: string): Promise<void> =>
  unlessSo(asked(region, docker.getContainer(name).start()));

export const stopContainer = ({ region, docker }: Pick<Host, 'region' | 'docker'>, name: string): Promise<void> =>
  unlessSo(asked(region, docker.getContainer(name).stop()));

/** Nothing starts it again by itself, the start of the host or of Docker included. */
export async function stopService({ region, docker }: Host, { containers }: ProjectService): Promise<void> {
  await Promise.all(
    containers.map(async ({ name }) => {
      if (!(await inspectIfThere(docker, name))) return;
      await restartBy(region, docker, name, { Name: 'no' });
      await stopContainer({ region, docker }, name);
    }),
  );
}

/** Of all containers of the service, the newest last. */
export async function logsOf(
  { region, docker }: Host,
  { containers }: ProjectService,
  lines: number,
): Promise<{ process: string; line: string }[]> {
  const texts = await Promise.all(
    containers.map(async (one) => ({ name: one.name, text: await logOf(region, docker, one, lines) })),
  );
  return texts.flatMap(({ name, text }) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ process: name, line })),
  );
}

async function logOf(region: string, docker: Docker, { name, spec }: ProjectContainer, tail: number): Promise<string> {
  const all = (await asked(
    region,
    docker.getContainer(name).logs({ stdout: true, stderr: true, tail }),
  )) as unknown as Buffer;
  if (spec.Tty === true) return all.toString('utf8');
  const chunks: Buffer[] = [];
  const out = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
  const framed = new PassThrough();
  docker.modem.demuxStream(framed, out, out);
  framed.end(all);
  await new Promise((resolve) => framed.once('end', resolve));
  return Buffer.concat(chunks).toString('utf8');
}

async function restartBy(region: string, docker: Docker, name: string, wanted: RestartPolicy): Promise<void> {
  const policy = { Name: wanted.Name || 'no', MaximumRetryCount: wanted.MaximumRetryCount ?? 0 };
  const { HostConfig } = await asked(region, docker.getContainer(name).inspect());
  const { Name = 'no', MaximumRetryCount = 0 } = HostConfig.RestartPolicy ?? {};
  if ((Name || 'no') === policy.Name && MaximumRetryCount === policy.MaximumRetryCount) return;
  await asked(region, docker.getContainer(name).update({ RestartPolicy: policy }));
}

/** It is so already. */
async function unlessSo(change: Promise<unknown>): Promise<void> {
  await change.catch((error: Error & { cause?: { statusCode?: number } }) => {
    if (error.cause?.statusCode !== 304) throw error;
  });
}
