import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Every project of the runner calls `setup` in the same process, with a copy of this module of its own. */
const shared = globalThis as { storkyTestFolder?: { path: string; users: number } };

/**
 * All temporary folders of one run of the tests lie in one folder (short, since a socket's path has about 100 characters).
 * When the tests are over, no process may have to do with it, and it has to be empty; what is left fails the run, by name.
 */
export default function setup(): () => Promise<void> {
  shared.storkyTestFolder ??= { path: newFolder(), users: 0 };
  const { path: folder } = shared.storkyTestFolder;
  shared.storkyTestFolder.users++;
  return async () => {
    if (--shared.storkyTestFolder!.users > 0) return;
    const processes = await processesLeft(folder);
    const files = readdirSync(folder);
    for (const { pid } of processes) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    const left = [
      ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
      ...files.map((name) => `folder ${name}`),
    ];
    if (left.length === 0) return;
    process.exitCode = 1; // the runner only prints what is thrown here
    throw new Error(`the tests left behind:\n${left.join('\n')}`);
  };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'st-'));
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  process.env.NODE_DISABLE_COMPILE_CACHE = '1'; // npm keeps one in the temporary folder
  return folder;
}

/** Processes get two seconds to end. */
async function processesLeft(folder: string) {
  for (let tries = 20; ; tries--) {
    const found = processesOf(folder);
    if (found.length === 0 || tries === 0) return found;
    await sleep(100);
  }
}

/** Those that name the folder in their arguments, environment or working folder; this process and its ancestors do not count. */
export function processesOf(folder: string): { pid: number; command: string }[] {
  const ours = new Set([process.pid, process.ppid]);
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && !ours.has(pid));
  return pids.flatMap((pid) => {
    const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    const traces = [
      command,
      read(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
      read(() => readlinkSync(`/proc/${pid}/cwd`)),
    ];
    return traces.some((text) => text.includes(folder)) && !isWorker(command) ? [{ pid, command }] : [];
  });
}

/** The test runner's own processes inherit the folder too, and end after this. */
const isWorker = (command: string) => /vitest/.test(command);

function read(look: () => string): string {
  try {
    return look();
  } catch {
    return ''; // it has ended meanwhile, or is not ours to look at
  }
}
