import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';

/** What a server in a container was before a move came to it, and is again after it, or after any start. Secret. */
export interface Natural {
  serverId: string;
  eventScheduler: string;
  /** The account that the container's variables speak of. */
  first: { user: string; password: string };
}

const fileOf = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'container.json');

export const rememberNatural = (instance: DatabaseInstance, natural: Natural): void =>
  writeJsonAtomic(fileOf(instance), natural);

export function naturalOf(instance: DatabaseInstance): Natural {
  const natural = readJson<Natural>(fileOf(instance));
  if (!natural) throw new Error(`nothing is known of the server in the container of ${instance.addon}`);
  return natural;
}
