import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { handleOf, type LocalHandle, leads } from '../../drivers/runtime/local/handle.ts';

/** The router's process: it outlives the agent, so it is known by pid and start time, not as a child. */
export class RouterProcess {
  readonly handle: LocalHandle;
  #over: Promise<void> | undefined;
  readonly #child: ChildProcess | undefined;

  constructor(handle: LocalHandle, child?: ChildProcess) {
    this.handle = handle;
    this.#child = child;
  }

  get alive(): boolean {
    return leads(this.handle);
  }

  /** Resolves when it has ended. One that an earlier agent started is looked at twice a second. */
  ended(): Promise<void> {
    this.#over ??= this.#watch();
    return this.#over;
  }

  /** Reads its certificate anew: the agent may have enrolled again since it started. */
  renew(): void {
    this.#signal('SIGHUP');
  }

  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    const patience = sleep(stopMs, 'late', { ref: false });
    if ((await Promise.race([this.ended(), patience])) === 'late') this.#signal('SIGKILL');
    await this.ended();
  }

  async #watch(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    while (this.alive) await sleep(500, undefined, { ref: false });
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.alive) process.kill(this.handle.pid, signal);
  }
}

/** What the router may need to end the requests in flight, milliseconds. */
const stopMs = 5000;

/**
 * The shell waits for a word before it becomes the router. `remember` has made the handle durable by then; an agent that
 * dies earlier leaves no router behind that nobody knows and that holds the ports.
 */
const waitForWord = 'read -r word && [ "$word" = go ] || exit 125; exec "$@" </dev/null';

export async function spawnRouter(
  command: string[],
  logFile: string,
  remember: (handle: LocalHandle) => void,
): Promise<RouterProcess> {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', waitForWord, 'sh', ...command], {
      detached: true,
      stdio: ['pipe', log, log],
    });
    await once(child, 'spawn');
    child.stdin!.on('error', () => {});
    child.unref();
    const handle = handleOf(child.pid!);
    if (!handle) throw new Error('the router ended before it began');
    remember(handle);
    child.stdin!.end('go\n');
    return new RouterProcess(handle, child);
  } finally {
    closeSync(log);
  }
}
