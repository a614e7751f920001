import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Io } from '../io.ts';

/** Where a server or an agent keeps its state, unless `--data` says otherwise. The folders above it exist afterwards. */
export function dataFolder({ env, cwd }: Io, given: string | undefined, ...usual: string[]): string {
  const folder = given ? resolve(cwd, given) : join(usualRoot(env), ...usual);
  // The state itself is private; what is above it is not, since apps run under an account of their own and must get there.
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  return folder;
}

/** Root's home folder is closed to every other account, so root's state is in the system's place. */
function usualRoot(env: Io['env']): string {
  if (env.XDG_DATA_HOME) return join(env.XDG_DATA_HOME, 'storky');
  return process.getuid?.() === 0 ? '/var/lib/storky' : join(env.HOME || homedir(), '.local', 'share', 'storky');
}
