import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unprivilegedAccount } from '../../../base/account.ts';
import type { Exit, ProcessSpec } from '../contract.ts';
import { asScript } from './command.ts';
import { handleOf, type LocalHandle } from './handle.ts';

export interface WaitingProcess {
  handle: LocalHandle;
  exited: Promise<Exit>;
  /** Lets the command begin. */
  go(): void;
  /** Ends it before the command began. */
  refuse(): void;
  release(): void;
}

/**
 * The shell reads one line before it becomes the command. Until then the process does nothing, and if this agent dies
 * first, the line never comes and the shell ends: no process runs that nobody has written down.
 */
const waitForWord = 'read -r word && [ "$word" = go ] || exit 125; exec /bin/sh -c "$1" </dev/null';

/** Starts the process, in a session of its own, up to the point where it waits for `go`. */
export async function spawnWaiting(spec: ProcessSpec): Promise<WaitingProcess> {
  const log = openSync(spec.logFile, 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', waitForWord, 'sh', asScript(spec.command)], {
      cwd: spec.folder,
      env: { ...everyProcess(spec.folder), ...spec.environment },
      detached: true,
      stdio: ['pipe', log, log],
      ...unprivilegedAccount(),
    });
    const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await new Promise((resolve, reject) => child.once('spawn', () => resolve(undefined)).once('error', reject));
    const stdin = child.stdin!;
    stdin.on('error', () => {}); // It was killed before it read; `exited` says so.
    const handle = handleOf(child.pid!);
    if (!handle) throw new Error(`process ${child.pid} ended before it began`);
    const release = () => {
      child.unref();
      stdin.destroy();
    };
    return { handle, exited, go: () => stdin.end('go\n'), refuse: () => stdin.end(), release };
  } finally {
    closeSync(log);
  }
}

/** Nothing of the agent's own environment reaches an app. Binaries of the release come first, then the agent's own Node. */
function everyProcess(folder: string): Record<string, string> {
  const path = [join(folder, 'node_modules/.bin'), dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'];
  return { PATH: path.join(':'), HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC' };
}
