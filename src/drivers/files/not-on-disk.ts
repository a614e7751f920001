import type { Home } from './home.ts';
import { parent, type TreePath } from './names.ts';

/**
 * The kernel could not write what it held of these files. It tells so once and does not try again: their next sync says
 * that all is well, while what is read from memory is right and what is on the disk is not.
 */
export class NotOnDisk extends Error {
  readonly paths: readonly TreePath[];

  constructor(paths: readonly TreePath[], cause: unknown) {
    super(`what was written here could not be brought to disk: ${(cause as Error).message}`, { cause });
    this.paths = paths;
  }
}

/** Takes them away, with the other names of the same files, so that the source's next comparison sends them anew. */
export function takeAway({ placer, ledger }: Home, paths: readonly TreePath[]): void {
  for (const path of paths) {
    const row = ledger.get(path);
    if (row?.kind !== 'file') continue; // another entry came in its place
    const names = row.ino === null ? [] : ledger.namesOf(row.ino).map((other) => other.path);
    for (const name of new Set([path, ...names])) {
      placer.remove(name);
      ledger.drop(name);
      ledger.touch(parent(name));
    }
  }
  ledger.commit();
}
