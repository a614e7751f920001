import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../../../base/account.ts';
import { writeFileAtomic } from '../../../../base/atomic-file.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { toolPath } from './binaries.ts';
import { run } from './run.ts';
import { accessRules, serverSettings } from './settings.ts';

export const dataFolder = (instance: Pick<DatabaseInstance, 'folder'>) => join(instance.folder, 'data');

/** A daemon of its own session: it outlives this process. Resolves when it accepts connections. */
export async function startServer(instance: DatabaseInstance): Promise<void> {
  if (await serverRuns(instance)) return;
  writeConfiguration(instance);
  const control = await toolPath(instance.version, 'pg_ctl');
  const log = join(instance.folder, 'log', 'start.log');
  try {
    await run(control, ['start', '--wait', '--timeout=60', '--silent', '-D', dataFolder(instance), '-l', log]);
  } catch (error) {
    // Two starts at once: the other one won.
    if (await serverRuns(instance)) return;
    throw refused((error as Error).message, `Look at ${log}; the port ${instance.port} must be free.`);
  }
}

export async function stopServer(instance: DatabaseInstance, mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
  if (!(await serverRuns(instance))) return;
  const control = await toolPath(instance.version, 'pg_ctl');
  await run(control, ['stop', '--wait', '--timeout=120', '--silent', `--mode=${mode}`, '-D', dataFolder(instance)]);
}

export async function serverRuns(instance: DatabaseInstance): Promise<boolean> {
  if (!existsSync(join(dataFolder(instance), 'postmaster.pid'))) return false;
  const control = await toolPath(instance.version, 'pg_ctl');
  return run(control, ['status', '-D', dataFolder(instance)]).then(
    () => true,
    () => false,
  );
}

export async function destroyServer(instance: DatabaseInstance): Promise<void> {
  if (existsSync(dataFolder(instance))) await stopServer(instance, 'immediate');
  rmSync(instance.folder, { recursive: true, force: true });
}

export function ownedFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  giveToAccount(path);
  chmodSync(path, 0o700);
}

export const refused = (detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: 'PostgreSQL', detail, hint });

function writeConfiguration(instance: DatabaseInstance): void {
  ownedFolder(join(instance.folder, 'log'));
  const write = (name: string, content: string) => {
    writeFileAtomic(join(dataFolder(instance), name), content);
    giveToAccount(join(dataFolder(instance), name));
  };
  write('postgresql.conf', serverSettings(instance));
  write('pg_hba.conf', accessRules);
}
