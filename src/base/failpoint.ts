import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const { STORKY_FAILPOINT: deadly, STORKY_FAILPOINTS: folder } = process.env;
const lookEveryMs = 2;

/**
 * Fault injection, for tests of what a crash leaves behind: `STORKY_FAILPOINT=<name>` ends this process by SIGKILL when it
 * first comes to the point of that name, as a power cut would. With `STORKY_FAILPOINTS=<folder>` it stands still for as long
 * as there is a file of that name in the folder, and says so beside it, so that a fault hits exactly there. Without the
 * variables it does nothing.
 */
export function failpoint(name: string): void {
  if (folder) standStill(folder, name);
  if (deadly !== name) return;
  writeSync(2, `killed at the failpoint ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** All of it, not only what called: nothing else in this process goes on meanwhile. */
function standStill(folder: string, name: string): void {
  const armed = join(folder, name);
  if (!existsSync(armed)) return;
  writeFileSync(`${armed}.reached`, String(process.pid));
  const clock = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(armed)) Atomics.wait(clock, 0, 0, lookEveryMs);
}
