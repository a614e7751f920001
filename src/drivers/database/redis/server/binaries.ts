import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StorkyError } from '../../../../protocol/errors.ts';

/** Release lines that can run here, oldest first, e.g. ['7.0', '7.2']. The snapshot's format changes with the line. */
export async function installedVersions(): Promise<string[]> {
  return [...(await installations()).keys()].sort(byLine);
}

/** Path of the server of exactly this release line. @throws StorkyError engine_missing */
export async function serverPath(version: string): Promise<string> {
  const path = (await installations()).get(version);
  if (!path) throw new StorkyError('engine_missing', { region: 'This host', engine: 'Redis', version });
  return path;
}

/** 7.0.15 → 7.0 */
export const lineOf = (version: string): string => version.split('.').slice(0, 2).join('.');

export function byLine(a: string, b: string): number {
  const [[a1 = 0, a2 = 0], [b1 = 0, b2 = 0]] = [a, b].map((line) => line.split('.').map(Number)) as [
    number[],
    number[],
  ];
  return a1 - b1 || a2 - b2;
}

/** Functions, shard channels and pauses inside of transactions came with 7.0. */
export const oldest = '7.0';
const known = new Map<string, string | undefined>();

/** Line → path: where packages put it, then the folders of STORKY_REDIS_DIRS. */
async function installations(): Promise<Map<string, string>> {
  const extra = (process.env.STORKY_REDIS_DIRS ?? '').split(':').filter(Boolean);
  const found = new Map<string, string>();
  for (const folder of ['/usr/bin', '/usr/local/bin', ...extra]) {
    const path = join(folder, 'redis-server');
    const line = await lineAt(path);
    if (line && byLine(line, oldest) >= 0) found.set(line, path);
  }
  return found;
}

async function lineAt(path: string): Promise<string | undefined> {
  if (known.has(path)) return known.get(path);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return undefined;
  }
  const { stdout } = await promisify(execFile)(path, ['--version']);
  const version = /v=(\d+\.\d+)/.exec(stdout)?.[1];
  known.set(path, version);
  return version;
}
