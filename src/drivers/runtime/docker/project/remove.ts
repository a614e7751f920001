import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Project, ProjectMount } from '../../../../protocol/app-record/project.ts';
import { asked } from '../docker.ts';
import { gone, type Host } from './make.ts';

/** With all that lies in it. A folder that was there before stays, empty. Idempotent. */
export async function removeMount({ region, docker }: Host, mount: ProjectMount, wasThere: boolean): Promise<void> {
  if (mount.kind === 'folder') return removeFolder(mount.name, wasThere);
  if (await gone(docker.getVolume(mount.name).inspect())) return;
  await asked(region, docker.getVolume(mount.name).remove());
}

function removeFolder(path: string, wasThere: boolean): void {
  const gone = wasThere ? readdirSync(path).map((name) => join(path, name)) : [path];
  for (const each of gone) rmSync(each, { recursive: true, force: true });
}

/** Those in which nobody else is. Idempotent. */
export async function removeNetworks({ region, docker }: Host, { networks }: Project): Promise<void> {
  for (const { name } of networks) {
    if (await gone(docker.getNetwork(name).inspect())) continue;
    const { Containers: inIt } = (await asked(region, docker.getNetwork(name).inspect())) as { Containers?: object };
    if (Object.keys(inIt ?? {}).length === 0) await asked(region, docker.getNetwork(name).remove());
  }
}
