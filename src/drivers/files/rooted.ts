import { closeSync, constants, openSync, statSync } from 'node:fs';
import { base, bytes, parent, type TreePath } from './names.ts';

/** Not in node's list: a handle for paths only; needs no read permission and never blocks. */
const O_PATH = 0o10000000;
const directory = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A folder that cannot be left. Every component is opened with O_NOFOLLOW relative to the one before it, through
 * /proc/self/fd, which is what openat does: a directory that somebody replaces by a symlink under our feet gives ENOTDIR,
 * never a file outside. Linux only, as the watcher is.
 */
export class Rooted {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Device and inode of the root: another one means that it was replaced, or that a volume was unmounted. */
  identity(): string {
    const { dev, ino } = statSync(this.root, { bigint: true });
    return `${dev}:${ino}`;
  }

  /** Runs `use` with a path that the kernel resolves inside `dir`. Synchronous: the handle is closed after it. */
  inside<T>(dir: TreePath, use: (at: (name: string) => Buffer) => T): T {
    const fd = this.open(dir);
    try {
      return use((name) => handlePath(fd, name));
    } finally {
      closeSync(fd);
    }
  }

  /** The same for one entry; '' is the root itself. */
  at<T>(path: TreePath, use: (path: Buffer) => T): T {
    if (path === '') return this.inside('', (at) => use(at('.')));
    return this.inside(parent(path), (at) => use(at(base(path))));
  }

  /** A handle of a directory; the caller closes it. Throws ENOENT or ENOTDIR. */
  open(dir: TreePath): number {
    let fd = openSync(this.root, O_PATH | constants.O_DIRECTORY);
    if (dir === '') return fd;
    for (const name of dir.split('/')) {
      const outer = fd;
      try {
        fd = openSync(handlePath(outer, name), directory);
      } finally {
        closeSync(outer);
      }
    }
    return fd;
  }
}

export const handlePath = (fd: number, name: string): Buffer => bytes(`/proc/self/fd/${fd}/${name}`);

/** Gone, or not what it was a moment ago: the tree is changed by others while we read it. */
export function vanished(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ESTALE';
}
