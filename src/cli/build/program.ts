import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { StorkyError } from '../../protocol/errors.ts';

export interface Output {
  /** Where the program's output goes, both its streams. */
  to: Writable;
  env: Record<string, string | undefined>;
  signal: AbortSignal;
}

/** Runs a program to its end; its output is the user's to see. Throws `build_failed` unless it ends with 0. */
export async function runProgram(
  program: string,
  args: string[],
  { cwd, output, folder }: { cwd: string; output: Output; folder: string },
): Promise<void> {
  const { env, signal, to } = output;
  const child = spawn(program, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(to, { end: false });
  child.stderr.pipe(to, { end: false });
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    if (code !== 0) throw new Error(killedBy ? `${program} was ended by ${killedBy}` : `${program} ended with ${code}`);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new StorkyError('build_failed', { folder, detail: (error as Error).message }, { cause: error });
  }
}
