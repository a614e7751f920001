import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Ended {
  /** Null where the program does not exist. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of the host to its end. Its answers are read by program, so they come in one language. */
export async function run(command: string[], input = ''): Promise<Ended> {
  const [program, ...args] = command as [string, ...string[]];
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
  const child = spawn(program, args, { env, stdio: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const [code] = await once(child, 'close');
    const [stdout, stderr] = await output;
    return { code: code ?? 128, stdout, stderr };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { code: null, stdout: '', stderr: `${program} is not installed` };
  }
}
