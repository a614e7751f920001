import { once } from 'node:events';
import type { Context } from '../context.ts';

/** What a program that stays says once it is ready: with `--json` its only document, else words. */
export function announce({ io, global }: Context, data: object, text: string): void {
  io.stdout.write(`${global.json ? JSON.stringify(data) : text}\n`);
}

/** Resolves on SIGTERM or Ctrl-C. */
export async function untilStopped({ io: { signal } }: Context): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
