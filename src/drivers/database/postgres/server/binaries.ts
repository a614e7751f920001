import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { inContainer } from '../../guest.ts';
import { run } from './run.ts';

export type Tool = 'postgres' | 'initdb' | 'pg_ctl' | 'pg_dump' | 'pg_restore';

const supported = (major: string) => Number(major) >= 13 && Number(major) <= 18;
const serverTools: Tool[] = ['postgres', 'initdb', 'pg_ctl'];

/** Majors whose server can run here, oldest first. */
export async function installedVersions(): Promise<string[]> {
  const found = await installations();
  const majors = [...found].filter(([, folders]) => serverTools.every((tool) => findIn(folders, tool))).map(([m]) => m);
  return majors.sort((a, b) => Number(a) - Number(b));
}

/** Path of a tool of exactly this major. Throws `engine_missing`. */
export async function toolPath(version: string, tool: Tool): Promise<string> {
  const path = findIn((await installations()).get(version) ?? [], tool);
  if (!path) throw new StorkyError('engine_missing', { region: 'This host', engine: 'PostgreSQL', version });
  return path;
}

/**
 * The client tool that reads a source and writes what the target understands: the target's own version if it is here and
 * not older than the source (an older pg_dump refuses), else the oldest one that is not. Throws `engine_refused`.
 */
export async function clientTool(tool: 'pg_dump' | 'pg_restore', source: string, target: string): Promise<string> {
  const here = await installations();
  const majors = [...here.keys()].filter((major) => findIn(here.get(major)!, tool) && Number(major) >= Number(source));
  majors.sort((a, b) => Number(b === target) - Number(a === target) || Number(a) - Number(b));
  if (!majors[0])
    throw new StorkyError('engine_refused', {
      engine: 'PostgreSQL',
      detail: `there is no ${tool} of version ${source} or later on this host`,
      hint: `Install postgresql-client-${source}.`,
    });
  return findIn(here.get(majors[0])!, tool)!;
}

/** As `clientTool`, where the instance's server is: the command, and the variables that it takes from our environment. */
export async function toolFor(
  { version, guest }: Pick<DatabaseInstance, 'version' | 'guest'>,
  tool: 'pg_dump' | 'pg_restore',
  source: string,
): Promise<string[]> {
  if (guest) return inContainer(guest, tool, ['PGPASSWORD', 'PGSSLMODE', 'PGGSSENCMODE']);
  return [await clientTool(tool, source, version)];
}

/** Major → folders that hold its tools: Debian's layout, then those named in STORKY_POSTGRES_DIRS (parents of `bin`). */
async function installations(): Promise<Map<string, string[]>> {
  const folders = [...debianFolders(), ...(process.env.STORKY_POSTGRES_DIRS ?? '').split(':').filter(Boolean)].map(
    (f) => join(f, 'bin'),
  );
  const found = new Map<string, string[]>();
  for (const folder of folders) {
    const major = await majorOf(folder);
    if (major && supported(major)) found.set(major, [...(found.get(major) ?? []), folder]);
  }
  return found;
}

function debianFolders(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').map((name) => join('/usr/lib/postgresql', name));
  } catch {
    return [];
  }
}

const majors = new Map<string, string | undefined>();

async function majorOf(folder: string): Promise<string | undefined> {
  if (majors.has(folder)) return majors.get(folder);
  const probe = findIn([folder], 'postgres') ?? findIn([folder], 'pg_dump');
  const text = probe ? await run(probe, ['--version']).catch(() => '') : '';
  const major = /\(PostgreSQL\) (\d+)/.exec(text)?.[1];
  if (major) majors.set(folder, major);
  return major;
}

function findIn(folders: string[], tool: Tool): string | undefined {
  return folders.map((folder) => join(folder, tool)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
