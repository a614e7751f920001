import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { unprivilegedAccount } from '../../../../base/account.ts';

export interface RunOptions {
  env?: Record<string, string>;
  signal?: AbortSignal;
  stdin?: 'pipe' | 'ignore';
}

/** A tool by its path, or the command that runs it elsewhere. */
export type Command = string | string[];

/**
 * Starts a tool under the unprivileged account; one that is run in a container, as ourselves, who may do that. Its environment
 * is ours without MYSQL_* and MARIADB_*, which would redirect it.
 */
export function start(command: Command, args: string[], options: RunOptions = {}): ChildProcess {
  const [program, ...elsewhere] = [command].flat();
  const inherited = Object.entries(process.env).filter(([name]) => !/^(MYSQL|MARIADB)_/.test(name));
  return spawn(program!, [...elsewhere, ...args], {
    ...(elsewhere.length === 0 && unprivilegedAccount()),
    cwd: '/',
    env: { ...Object.fromEntries(inherited), LC_ALL: 'C', ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    signal: options.signal,
  });
}

/** Runs a tool to its end and gives its output. Throws an Error with the last of its standard error. */
export async function run(path: string, args: string[], options: RunOptions = {}): Promise<string> {
  const child = start(path, args, options);
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await ended(child, path);
  return output;
}

/** A process that the tool leaves behind may keep its pipes open; the tool's own last words come sooner than this. */
const lastWordsMs = 1_000;

/** Resolves when a tool ended well and what it said was read. */
export async function ended(child: ChildProcess, path: string): Promise<void> {
  let complaint = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? signal!));
  });
  await Promise.race([closed, sleep(lastWordsMs, undefined, { ref: false })]);
  child.stderr!.destroy();
  if (code !== 0) throw new Error(`${path.split('/').at(-1)} ended with ${code}: ${complaint.trim()}`);
}
