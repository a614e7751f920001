import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit, ProcessHandle, ProcessSpec, RunningProcess, Runtime } from '../contract.ts';
import { type LocalHandle, leads, remains } from './handle.ts';
import { spawnWaiting } from './spawn.ts';

const pollMs = 250;

/**
 * Processes of this host, each the leader of a session of its own, under the unprivileged account. Sizes are not enforced
 * here: a limit on the address space breaks runtimes that reserve much and use little.
 */
export const localRuntime: Runtime = {
  name: 'local',

  async start(spec: ProcessSpec, remember): Promise<RunningProcess> {
    const waiting = await spawnWaiting(spec);
    try {
      remember(waiting.handle);
    } catch (error) {
      waiting.refuse();
      throw error;
    }
    waiting.go();
    return { handle: waiting.handle, pid: waiting.handle.pid, exited: waiting.exited, release: waiting.release };
  },

  async adopt(handle: ProcessHandle): Promise<RunningProcess | undefined> {
    const local = handle as LocalHandle;
    if (!leads(local)) return undefined;
    const watching = new AbortController();
    return { handle, pid: local.pid, exited: ended(local, watching.signal), release: () => watching.abort() };
  },

  async alive(handle: ProcessHandle): Promise<boolean> {
    return leads(handle as LocalHandle);
  },

  async stop(handle: ProcessHandle, timeoutMs: number): Promise<void> {
    const local = handle as LocalHandle;
    if (timeoutMs > 0) {
      signalAll(local, 'SIGTERM');
      if (await emptied(local, timeoutMs)) return;
    }
    // Again and again: a child may be forked between the look and the kill.
    do signalAll(local, 'SIGKILL');
    while (!(await emptied(local, 200)));
  },
};

/** Not our child, so there is no event to wait for. */
async function ended(handle: LocalHandle, signal: AbortSignal): Promise<Exit> {
  while (!signal.aborted && leads(handle)) await sleep(pollMs, undefined, { ref: false, signal }).catch(() => {});
  return signal.aborted ? new Promise(() => {}) : { code: null, signal: null };
}

function signalAll(handle: LocalHandle, signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const { pid } of remains(handle)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function emptied(handle: LocalHandle, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
    if (remains(handle).length === 0) return true;
    if (performance.now() >= until) return false;
    await sleep(pause);
  }
}
