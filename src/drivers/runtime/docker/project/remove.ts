import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Project, ProjectMount, ProjectService } from '../../../../protocol/app-record/project.ts';
import type { MadeParts } from '../../projects.ts';
import { inspectIfThere } from '../containers.ts';
import { asked } from '../docker.ts';
import { gone, type Host } from './make.ts';
import { partOf } from './parts.ts';

// Whatever is not written down as made is somebody else's, whatever its name is: it stays.

export async function removeService({ region, docker }: Host, service: ProjectService, made: MadeParts): Promise<void> {
  for (const { name } of service.containers) {
    if (!made.has(partOf.container(name))) continue;
    if (await inspectIfThere(docker, name))
      await asked(region, docker.getContainer(name).remove({ force: true, v: true }));
    made.delete(partOf.container(name));
  }
}

/** With all that lies in it. A folder that was there before stays, empty. Idempotent. */
export async function removeMount(host: Host, { kind, name }: ProjectMount, made: MadeParts): Promise<void> {
  if (kind === 'folder') return removeFolder(name, made);
  const { region, docker } = host;
  if (!made.has(partOf.volume(name))) return;
  if (!(await gone(docker.getVolume(name).inspect()))) await asked(region, docker.getVolume(name).remove());
  made.delete(partOf.volume(name));
}

function removeFolder(path: string, made: MadeParts): void {
  const gone = made.has(partOf.folder(path)) ? [path] : made.has(partOf.contents(path)) ? within(path) : [];
  for (const each of gone) rmSync(each, { recursive: true, force: true });
  made.delete(partOf.folder(path));
  made.delete(partOf.contents(path));
}

const within = (path: string): string[] => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []);

/** Those in which nobody else is. Idempotent. */
export async function removeNetworks({ region, docker }: Host, project: Project, made: MadeParts): Promise<void> {
  for (const { name } of project.networks) {
    if (!made.has(partOf.network(name))) continue;
    if (await gone(docker.getNetwork(name).inspect())) {
      made.delete(partOf.network(name));
      continue;
    }
    const { Containers: inIt } = (await asked(region, docker.getNetwork(name).inspect())) as { Containers?: object };
    if (Object.keys(inIt ?? {}).length > 0) continue;
    await asked(region, docker.getNetwork(name).remove());
    made.delete(partOf.network(name));
  }
}
