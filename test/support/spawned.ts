import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { waitFor } from './wait-for.ts';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const storkyProgram = `${projectRoot}bin/storky.js`;

export interface Spawned {
  readonly pid: number;
  /** Both streams, as they came. */
  output(): string;
  stdout(): string;
  /** Resolves with the match as soon as the output has it; rejects with the output when the program ends or time is up. */
  says(pattern: RegExp, timeout?: number): Promise<RegExpMatchArray>;
  /** To this process alone, as a crash would be. */
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. Default SIGTERM; SIGKILL after 15 s. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Who sees to it that what was made ends: `onTestFinished`, or the end of a world outside of a test. */
export type AtEnd = (work: () => void | Promise<void>) => void;

export interface SpawnOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Goes to its standard input, which is then closed. */
  input?: string;
  /** Default `onTestFinished`. */
  atEnd?: AtEnd;
  /** Gets what it says too, after what was there. */
  logFile?: string;
}

/** `storky …` from the sources, on this Node, in a process group of its own that does not survive the test. */
export function spawnStorky(args: string[], options: SpawnOptions = {}): Spawned {
  return spawnForTest(process.execPath, [storkyProgram, ...args], options);
}

/** Runs it to its end. */
export async function runStorky(
  args: string[],
  options: SpawnOptions = {},
): Promise<{ code: number | null; stdout: string; output: string }> {
  const child = spawnStorky(args, options);
  const { code } = await child.ended;
  return { code, stdout: child.stdout(), output: child.output() };
}

/** Any program, with the same care. */
export function spawnForTest(command: string, args: string[], options: SpawnOptions = {}): Spawned {
  const child = spawnGroup(command, args, options);
  (options.atEnd ?? onTestFinished)(() => child.end());
  return child.spawned;
}

/** For `beforeAll` and benches: the caller calls `end`, which kills the whole group. */
export function spawnGroup(command: string, args: string[], options: SpawnOptions = {}) {
  const env = { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined, ...options.env };
  const child = spawn(command, args, { cwd: options.cwd ?? projectRoot, env, detached: true });
  const spawned = watch(child, [command, ...args].join(' '));
  if (options.logFile) for (const stream of [child.stdout, child.stderr]) stream.pipe(logTo(options.logFile));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  return { spawned, end: () => endGroup(spawned) };
}

const logTo = (file: string) => createWriteStream(file, { flags: 'a' }).on('error', () => {});

function watch(child: ChildProcess, name: string): Spawned {
  let output = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let over = false;
  // What it started may hold its streams open: its last words get 200 ms, not for ever.
  const closed = once(child, 'close');
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    await Promise.race([closed, sleep(200)]);
    over = true;
    return { code, signal } as { code: number | null; signal: NodeJS.Signals | null };
  });
  closed.catch(() => {});
  ended.catch(() => {});
  const spawned: Spawned = {
    pid: child.pid ?? -1,
    output: () => output,
    stdout: () => stdout,
    async says(pattern, timeout = 20_000) {
      const found = await waitFor(() => output.match(pattern) ?? over, { timeout, every: 20 }).catch(() => undefined);
      const match = found === undefined ? null : output.match(pattern);
      if (!match) throw new Error(`${name} ${over ? 'ended before it' : 'never'} said ${pattern}; it said:\n${output}`);
      return match;
    },
    signal: (signal) => void child.kill(signal),
    async kill(signal = 'SIGTERM') {
      if (over) return;
      child.kill(signal);
      const hard = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended.finally(() => clearTimeout(hard));
    },
    ended,
  };
  return spawned;
}

/** The process gets its chance to end what it started; then everything that is left in its group is killed. */
async function endGroup(spawned: Spawned): Promise<void> {
  if (spawned.pid === -1) return;
  await spawned.kill();
  try {
    process.kill(-spawned.pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
