import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '../../drivers/runtime/contract.ts';
import type { Surroundings } from './formation.ts';
import { tail } from './tail.ts';

const mostLines = 1000;

export interface Outcome {
  /** Null when it was ended for taking too long, or by a signal. */
  code: number | null;
  lines: string[];
}

/** Runs one command as the app's processes run, and returns what it printed. Nothing of it is left afterwards. */
export async function runOnce(
  runtime: Runtime,
  around: Surroundings,
  command: string,
  timeoutMs: number,
): Promise<Outcome> {
  const run = `once-${randomBytes(4).toString('hex')}`;
  // Not named .log: it is nobody's log.
  const logFile = join(around.logs, `${run}.out`);
  mkdirSync(around.logs, { recursive: true, mode: 0o700 });
  const process = await runtime.start(
    { run, command, folder: around.release, environment: { ...around.environment, PROCESS_TYPE: 'once' }, logFile },
    () => {},
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ code: null }>((resolve) => {
    timer = setTimeout(() => resolve({ code: null }), timeoutMs);
  });
  try {
    const { code } = await Promise.race([process.exited, late]);
    return { code, lines: tail(logFile, mostLines).filter((line) => line.trim() !== '') };
  } finally {
    clearTimeout(timer);
    await runtime.stop(process.handle, 1000);
    process.release();
    rmSync(logFile, { force: true });
  }
}
