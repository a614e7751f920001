import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AtEnd } from '../../support/spawned.ts';
import type { RegionOptions } from './region.ts';

/** For `Stage.set`: the region's data folder is a disk of so many megabytes, in memory. */
export const smallDisk =
  (region: string, megabytes: number) =>
  (name: string, folder: string): Partial<RegionOptions> => {
    if (name !== region) return {};
    mountDisk(folder, megabytes);
    return {};
  };

export function mountDisk(folder: string, megabytes: number, atEnd: AtEnd = onTestFinished): void {
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'storky-test', folder]);
  // Lazily: a process that was killed may have it open for another moment.
  atEnd(() => void execFileSync('umount', ['--lazy', folder]));
}

/** Something else takes all of the disk but so many megabytes, until `free`. */
export function fillDisk(folder: string, leaveMegabytes: number): { free(): void } {
  const { bavail, bsize } = statfsSync(folder);
  const ballast = join(folder, 'ballast');
  execFileSync('fallocate', ['--length', `${Math.max(1, bavail * bsize - leaveMegabytes * 1e6)}`, ballast]);
  return { free: () => rmSync(ballast, { force: true }) };
}

/** Only root may. */
export const canMountDisks = (): boolean => process.getuid?.() === 0;
