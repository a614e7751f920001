import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { StorkyError } from '../protocol/errors.ts';

/**
 * One process to a data folder: two would destroy it. The lock is a file that names a process by its id and its start
 * time, so that what a kill -9 leaves behind, or an id given out again, blocks nobody. Returns what releases it.
 * Throws `folder_in_use`.
 */
export function lockFolder(path: string, folder: string): () => void {
  const mine = `${path}.${process.pid}`;
  const me = `${process.pid} ${startOf(process.pid)}`;
  writeFileSync(mine, me, { mode: 0o600 });
  try {
    while (!taken(mine, path)) {
      const owner = read(path);
      if (owner === undefined) continue;
      if (alive(owner)) throw new StorkyError('folder_in_use', { folder, pid: owner.split(' ')[0] });
      putAside(path, owner);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (read(path) === me) rmSync(path, { force: true });
  };
}

/** `link` fails when the name exists: the one atomic step of the lock. */
function taken(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Another starter may have taken the lock since we read it: what we moved away must be what we read, else it goes back. */
function putAside(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== stale) taken(aside, path);
  rmSync(aside, { force: true });
}

function alive(owner: string): boolean {
  const [pid, start] = owner.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(Number(pid));
  return now === start || now === '?' || start === '?';
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; `?` where there is no /proc. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
