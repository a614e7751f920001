import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import type { Project } from '../../../../protocol/app-record/project.ts';
import type { ProjectDatabase } from '../../projects.ts';
import { labelOf, serviceNameOf } from '../containers.ts';
import { carriedAs, holdsDataOf, kindOfMount, nameOfMount } from '../mounts.ts';
import { partNames } from './part-names.ts';

type Mount = Project['mounts'][number];

interface ReadMounts {
  mounts: Mount[];
  /** What a tree must leave out, by its name: the files of a database that lie in it. */
  ignored: Record<string, string[]>;
  notMoved: string[];
}

/** Where the project keeps what it keeps: volumes, folders of the host, and its own folder with all that lies in it. */
export function readMounts(containers: ContainerInspectInfo[], databases: ProjectDatabase[]): ReadMounts {
  const part = partNames();
  for (const { addon } of databases) part(addon); // stores share their names
  const notMoved: string[] = [];
  const folder = projectFolder(containers[0]!, notMoved);
  const tree = part('project');
  const mounts: Mount[] = folder === null ? [] : [{ kind: 'folder', name: folder, spec: {}, tree, services: [] }];
  const inDatabases: string[] = [];
  for (const { mount, ofDatabase, service } of dataFirst(containers, databases)) {
    const name = nameOfMount(mount);
    const known = mounts.find((one) => one.name === name);
    known?.services.push(service);
    if (known) continue;
    const { carried, why } = carriedAs(mount, ofDatabase);
    const kind = kindOfMount(mount) === 'volume' ? 'volume' : 'folder';
    const inside = folder !== null && kind === 'folder' && isUnder(name, folder);
    if (carried === 'not') notMoved.push(`${name}: ${why}`);
    else if (carried === 'engine') {
      mounts.push({ kind, name, spec: {}, tree: null, services: [service] });
      if (inside) inDatabases.push(`/${relative(folder, name)}`);
    } else if (kind === 'folder' && !isFolder(name)) {
      if (!inside) notMoved.push(`${name}: it is a single file outside the project’s folder`);
    } else if (!inside) {
      const called = kind === 'volume' ? withoutProject(containers[0]!, name) : name.split('/').at(-1)!;
      mounts.push({ kind, name, spec: {}, tree: part(called), services: [service] });
    }
  }
  return { mounts, ignored: inDatabases.length > 0 ? { [tree]: inDatabases } : {}, notMoved };
}

/** What a database keeps its data in is its engine's, whoever else sees it. */
function dataFirst(containers: ContainerInspectInfo[], databases: ProjectDatabase[]) {
  const all = containers.flatMap((one) => {
    const service = serviceNameOf(one);
    const database = databases.find((known) => known.service === service);
    return one.Mounts.map((mount) => ({
      mount,
      service,
      ofDatabase: database !== undefined && holdsDataOf(mount, database),
    }));
  });
  return all.sort((a, b) => Number(b.ofDatabase) - Number(a.ofDatabase));
}

/**
 * With the compose files and whatever else stands there. A folder that is somebody's home, or has projects below it, holds
 * more than this one.
 */
function projectFolder(container: ContainerInspectInfo, notMoved: string[]): string | null {
  const folder = labelOf(container, 'project.working_dir');
  if (folder === undefined || !isFolder(folder)) return null;
  const files = (labelOf(container, 'project.config_files') ?? '').split(',').filter(Boolean);
  const outside = files.filter((file) => !isUnder(resolve(folder, file), folder));
  if (outside.length > 0) notMoved.push(`${outside.join(', ')}: outside the project’s folder ${folder}`);
  if (!isShared(folder)) return folder;
  notMoved.push(`${folder}: it holds more than the project, so its compose files are not carried`);
  return null;
}

const shared = [
  '/',
  '/root',
  '/home',
  '/srv',
  '/opt',
  '/var',
  '/var/lib',
  '/var/www',
  '/tmp',
  '/mnt',
  '/media',
  '/etc',
  '/usr',
];
const isShared = (folder: string): boolean =>
  shared.includes(folder) || dirname(folder) === '/home' || existsSync(join(folder, '.ssh'));

const isUnder = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Compose puts the project before the name that its owner gave. */
function withoutProject(container: ContainerInspectInfo, volume: string): string {
  const project = labelOf(container, 'project');
  if (/^[0-9a-f]{64}$/.test(volume)) return `volume-${volume.slice(0, 8)}`;
  return project !== undefined && volume.startsWith(`${project}_`) ? volume.slice(project.length + 1) : volume;
}
