import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToAccount, unprivilegedAccount } from '../../../../base/account.ts';
import { readJson, writeFileAtomic } from '../../../../base/atomic-file.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { titleOf } from '../dialect/of-server.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { toolPath } from './binaries.ts';
import { forgetStreams } from './forget-streams.ts';
import { initSql } from './init-sql.ts';
import { expirySeconds } from './keep-log.ts';
import { productOf } from './product.ts';
import { roleOf } from './role.ts';
import { type Identity, pidFile, serverSettings } from './settings.ts';

type Place = Pick<DatabaseInstance, 'folder' | 'engine'>;
export const dataFolder = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'data');

/** A process of its own session: it outlives this one. Resolves when it accepts connections. */
export async function startServer(instance: DatabaseInstance): Promise<void> {
  if (await answers(instance)) return;
  const before = pidOf(instance);
  const pid = before ?? (await launch(instance));
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    if (await answers(instance)) return;
    // Two starts at once: the data folder is locked, so the later one ends and the first goes on.
    if (!isServer(pid, instance) && pidOf(instance) === undefined) break;
  }
  throw refused(
    instance,
    lastWords(instance),
    `Look at ${errorLog(instance)}; the port ${instance.port} must be free.`,
  );
}

async function launch(instance: DatabaseInstance): Promise<number> {
  writeConfiguration(instance);
  if (productOf(instance.engine).startsStreams) forgetStreams(dataFolder(instance));
  const program = await toolPath(instance.engine, instance.version, 'server');
  const output = openSync(errorLog(instance), 'a');
  try {
    giveToAccount(errorLog(instance));
    const child = spawn(program, [`--defaults-file=${join(instance.folder, 'my.cnf')}`], {
      ...unprivilegedAccount(),
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.unref();
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    return child.pid!;
  } finally {
    closeSync(output);
  }
}

/** `kill` is what a crash would be. */
export async function stopServer(instance: DatabaseInstance, how: 'shutdown' | 'kill' = 'shutdown'): Promise<void> {
  const pid = pidOf(instance);
  if (pid === undefined) return;
  process.kill(pid, how === 'kill' ? 'SIGKILL' : 'SIGTERM');
  for (const end = Date.now() + 120_000; isServer(pid, instance); await sleep(20))
    if (Date.now() > end) throw refused(instance, 'it does not stop', `Look at ${errorLog(instance)}.`);
}

export async function serverRuns(instance: DatabaseInstance): Promise<boolean> {
  return pidOf(instance) !== undefined;
}

export async function destroyServer(instance: DatabaseInstance): Promise<void> {
  await stopServer(instance, 'kill');
  rmSync(instance.folder, { recursive: true, force: true });
}

export function ownedFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  giveToAccount(path);
  chmodSync(path, 0o700);
}

const refused = ({ engine }: Place, detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: titleOf(engine), detail, hint });

const errorLog = ({ folder }: Place) => join(folder, 'log', 'error.log');

function lastWords(instance: Place): string {
  const lines = readFileSync(errorLog(instance), 'utf8').trimEnd().split('\n').slice(-200);
  return lines.filter((line) => line.includes('[ERROR]')).at(-1) ?? lines.at(-1) ?? 'it did not start';
}

const answers = (instance: DatabaseInstance): Promise<boolean> =>
  pidOf(instance) === undefined
    ? Promise.resolve(false)
    : withClient(adminOf(instance), async () => true).catch(() => false);

/** The process that serves this folder, or undefined. A number that was given to another process meanwhile is not it. */
function pidOf(instance: Place): number | undefined {
  const path = pidFile(instance);
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  return pid > 0 && isServer(pid, instance) ? pid : undefined;
}

function isServer(pid: number, { folder }: Place): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--defaults-file=${join(folder, 'my.cnf')}\0`);
  } catch {
    return false;
  }
}

function writeConfiguration(instance: DatabaseInstance): void {
  for (const name of ['log', 'tmp']) ownedFolder(join(instance.folder, name));
  const identity = readJson<Identity>(join(instance.folder, 'identity.json'))!;
  const write = (name: string, content: string) => {
    writeFileAtomic(join(instance.folder, name), content);
    giveToAccount(join(instance.folder, name));
  };
  write('my.cnf', serverSettings(instance, identity, roleOf(instance), expirySeconds(instance)));
  write('init.sql', initSql(instance));
}
