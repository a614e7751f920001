import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToAccount, unprivilegedAccount } from '../../../../base/account.ts';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';
import { serverPath } from './binaries.ts';
import { recall } from './memory.ts';
import { dataFolder, logFile, pidFile, serverSettings } from './settings.ts';

/** Loading takes about a second for each 100 MB; a server that says it is loading is waited for this long. */
const longestLoadMs = 30 * 60_000;

/** In a session of its own: it outlives this process. Resolves when it answers, with its data loaded. */
export async function startServer(instance: DatabaseInstance, overrides: Record<string, string> = {}): Promise<void> {
  if (runningPid(instance) !== undefined) return await answers(instance);
  ownedFolder(dataFolder(instance));
  const configuration = join(instance.folder, 'redis.conf');
  writeFileAtomic(configuration, serverSettings(instance, recall(instance), overrides));
  giveToAccount(configuration);
  rmSync(pidFile(instance), { force: true });
  const child = spawn(await serverPath(instance.version), [configuration], {
    ...unprivilegedAccount(),
    cwd: dataFolder(instance),
    env: { LC_ALL: 'C' },
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
  await answers(instance, child);
}

/** Writes what has to be written, and ends. */
export async function stopServer(instance: DatabaseInstance, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  const pid = runningPid(instance);
  if (pid === undefined) return;
  process.kill(pid, signal);
  for (const end = Date.now() + 120_000; runningPid(instance) !== undefined; await sleep(10))
    if (Date.now() > end)
      throw refused(`process ${pid} does not end`, `Look at ${logFile(instance)}; it may be writing its snapshot.`);
  // One that is ending has no command line any more while it still holds its port, which the next start needs.
  for (const end = Date.now() + 5_000; !hasEnded(pid) && Date.now() < end; ) await sleep(10);
}

function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, threads] = [fields[0], fields[17]];
    return state === 'Z' && threads === '1';
  } catch {
    return true;
  }
}

export async function serverRuns(instance: DatabaseInstance): Promise<boolean> {
  return runningPid(instance) !== undefined;
}

export async function destroyServer(instance: DatabaseInstance): Promise<void> {
  await stopServer(instance, 'SIGKILL');
  rmSync(instance.folder, { recursive: true, force: true });
}

export function ownedFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  giveToAccount(path);
  chmodSync(path, 0o700);
}

export const refused = (detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: 'Redis', detail, hint });

/** The process that the pid file names, if it is this server: the number may have been given to another since. */
function runningPid(instance: DatabaseInstance): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(instance), 'utf8'));
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return title.includes('redis') && title.includes(`${instance.host}:${instance.port} `) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function answers(instance: DatabaseInstance, child?: ChildProcess): Promise<void> {
  let ended: string | undefined;
  child?.once('exit', (code, signal) => {
    ended = `it ended with ${code ?? signal}`;
  });
  child?.once('error', (error) => {
    ended = error.message;
  });
  for (const [begun, patience] = [Date.now(), { ms: 60_000 }]; ; await sleep(10)) {
    const state = await stateOf(instance);
    if (state === 'ready') return;
    if (state === 'loading') patience.ms = longestLoadMs;
    if (ended || Date.now() > begun + patience.ms)
      throw refused(
        `${ended ?? 'it does not answer'}: ${lastWords(instance)}`,
        `Look at ${logFile(instance)}; the port ${instance.port} must be free.`,
      );
  }
}

async function stateOf(instance: DatabaseInstance): Promise<'ready' | 'loading' | 'silent'> {
  try {
    const info = await withClient(adminOf(instance), 'storky start', (client) => infoOf(client, 'persistence'));
    return info.loading === '1' ? 'loading' : 'ready';
  } catch (error) {
    return /LOADING/.test((error as Error).message) ? 'loading' : 'silent';
  }
}

function lastWords(instance: DatabaseInstance): string {
  try {
    const lines = readFileSync(logFile(instance), 'utf8').trim().split('\n');
    return (lines.findLast((line) => / # /.test(line)) ?? lines.at(-1) ?? '').trim();
  } catch {
    return 'it wrote no log';
  }
}
