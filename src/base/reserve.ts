import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Enough for some hundred records of migrations and epochs. */
const bytes = 4 * 1024 * 1024;
const known = new Set<string>();

/**
 * A piece of the disk, kept for the day when it is full: what was done and decided can still be written down then, and an
 * abort, which frees the room, does not fail for want of it. Call it now and then: a reserve that was spent comes back when
 * there is room again.
 */
export function keepReserve(folder: string): void {
  const path = join(folder, 'reserve');
  known.add(path);
  if (statSync(path, { throwIfNoEntry: false })?.size === bytes) return;
  const filling = `${path}.tmp`;
  try {
    const fd = openSync(filling, 'w', 0o600);
    try {
      // Written, not only claimed: a sparse file would keep no room at all.
      for (let at = 0; at < bytes; ) at += writeSync(fd, Buffer.alloc(64 * 1024, 0x2e));
    } finally {
      closeSync(fd);
    }
    renameSync(filling, path);
  } catch (error) {
    rmSync(filling, { force: true });
    if (!isDiskFull(error)) throw error;
  }
}

export function forgetReserve(folder: string): void {
  known.delete(join(folder, 'reserve'));
}

/** True when there was something to give up for a file of this path, so that writing it is worth another try. */
export function spendReserve(forPath: string): boolean {
  const reserve = [...known].find((path) => forPath.startsWith(path.slice(0, -'reserve'.length)));
  if (!reserve || !statSync(reserve, { throwIfNoEntry: false })) return false;
  rmSync(reserve);
  return true;
}

export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
