import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf } from './leftovers.ts';

/** In which a process that was asked to end may do so, milliseconds. */
const patienceMs = 5_000;

/**
 * Everything that a bench makes lies in one temporary folder, and everything that it starts has to do with that folder.
 * Both are gone at the end, also when the bench fails or is interrupted.
 */
export async function withOwnFolder(work: () => Promise<void>): Promise<void> {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'sb-'));
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  let interrupted: Promise<void> | undefined;
  const interrupt = (signal: NodeJS.Signals) => {
    if (!interrupted) process.stderr.write(`\n${signal}: ending what was started\n`);
    interrupted ??= clean(folder).finally(() => process.exit(130));
  };
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await work();
  } catch (error) {
    // What was measured breaks when it is ended: nobody wants to hear of that.
    if (!interrupted) throw error;
  } finally {
    await (interrupted ?? clean(folder));
    for (const signal of signals) process.off(signal, interrupt);
    process.env.TMPDIR = before;
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Databases end in order by the same signal as everything else. */
async function clean(folder: string): Promise<void> {
  signalAll(folder, 'SIGINT');
  for (const end = Date.now() + patienceMs; processesOf(folder).length > 0; await sleep(100)) {
    if (Date.now() < end) continue;
    signalAll(folder, 'SIGKILL');
    break;
  }
  for (const disk of disksUnder(folder)) execFileSync('umount', ['--lazy', disk]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

const disksUnder = (folder: string): string[] =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));

function signalAll(folder: string, signal: NodeJS.Signals): void {
  for (const { pid } of processesOf(folder))
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
}
