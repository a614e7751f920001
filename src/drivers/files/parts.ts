import * as fs from 'node:fs';
import { join } from 'node:path';
import type { TreeOptions } from './tree.ts';

/** What a target may make in the tree for its time, as a pattern to ignore: no part of what is moved. */
export const ourFolders = '/.storky-parts*';

/**
 * Where files are made before they are moved to their place. A move must stay within one file system: in the state folder
 * if that is the same one, else in a folder of the tree that no listing shows and that is gone before the tree is active.
 */
export function partsFolder({ root, stateFolder }: Pick<TreeOptions, 'root' | 'stateFolder'>): string {
  const outside = join(stateFolder, 'parts');
  return movesInto(outside, root) ? outside : join(root, '.storky-parts');
}

/** Wherever they are. */
export function removeParts({ root, stateFolder }: Pick<TreeOptions, 'root' | 'stateFolder'>): void {
  for (const folder of [join(stateFolder, 'parts'), join(root, '.storky-parts')])
    fs.rmSync(folder, { recursive: true, force: true });
}

/** Tried, not deduced from the device: a bind mount of the same device refuses too. */
function movesInto(folder: string, root: string): boolean {
  if (!fs.existsSync(root)) return true;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const probe = join(folder, `probe-${process.pid}`);
  const { atime, mtime } = fs.statSync(root);
  const there = join(root, `.storky-parts-${process.pid}`);
  try {
    fs.mkdirSync(probe);
    fs.renameSync(probe, there);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EXDEV') return false;
    throw error;
  } finally {
    fs.rmSync(probe, { recursive: true, force: true });
    fs.rmSync(there, { recursive: true, force: true });
    fs.utimesSync(root, atime, mtime);
  }
}
