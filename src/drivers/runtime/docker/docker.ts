import { existsSync } from 'node:fs';
import Docker from 'dockerode';
import { StorkyError } from '../../../protocol/errors.ts';

const usualSocket = '/var/run/docker.sock';

export const socketOf = (socketPath = usualSocket): string => socketPath;

/** Docker on this host by its Engine API: at the given socket, else at the usual one. @throws StorkyError unsupported */
export function openDocker(region: string, socketPath = usualSocket): Docker {
  if (existsSync(socketPath)) return new Docker({ socketPath, version: 'v1.41' });
  throw new StorkyError('unsupported', {
    what: `Docker in ${region}`,
    detail: `there is no socket at ${socketPath}`,
    hint: 'Start Docker there, or start the agent with --docker <socket>.',
  });
}

/** What Docker said, in our words. @throws StorkyError unsupported */
export async function asked<T>(region: string, question: Promise<T>): Promise<T> {
  return await question.catch((error: Error & { code?: string }) => {
    const denied = error.code === 'EACCES';
    throw new StorkyError(
      'unsupported',
      {
        what: `Docker in ${region}`,
        detail: error.message,
        hint: denied ? "Put the agent's account into the group `docker`." : 'Look whether it runs: `docker info`.',
      },
      { cause: error },
    );
  });
}
