import type { Readable, Writable } from 'node:stream';

/** A terminal or a pipe. */
export interface Output extends Writable {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Everything a command may touch of the process that runs it, so that tests run commands in-process. */
export interface Io {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The real one. A second Ctrl-C ends the process at once. */
export function processIo(): Io {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => (interrupt.signal.aborted ? process.exit(130) : interrupt.abort()));
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout, stderr, env, cwd: process.cwd(), signal: interrupt.signal };
}
