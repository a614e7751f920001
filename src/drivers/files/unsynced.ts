import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { parent, type TreePath } from './names.ts';
import { type Rooted, vanished } from './rooted.ts';

const fsync = promisify(fs.fsync);
const max = 20_000;

/**
 * What was written and may still be only in memory. Flushed all the time while following, so that in the freeze there is
 * only what was written in it. Above its bound it says so, and `flush` syncs the whole file system instead.
 */
export class Unsynced {
  readonly #tree: Rooted;
  #files = new Set<TreePath>();
  #dirs = new Set<TreePath>();
  #all = false;

  constructor(tree: Rooted) {
    this.#tree = tree;
  }

  add(path: TreePath): void {
    this.addDir(parent(path));
    if (this.#files.size < max) this.#files.add(path);
    else this.#all = true;
  }

  addDir(dir: TreePath): void {
    if (this.#dirs.size < max) this.#dirs.add(dir);
    else this.#all = true;
  }

  /** Everything added before this call is on disk when it resolves. */
  async flush(): Promise<void> {
    const [files, dirs, all] = [this.#files, this.#dirs, this.#all];
    this.#files = new Set();
    this.#dirs = new Set();
    this.#all = false;
    if (all) return syncFileSystem(this.#tree.root);
    const paths = [
      ...[...files].map((path) => () => this.#open(path, false)),
      ...[...dirs].map((dir) => () => this.#open(dir, true)),
    ];
    await Promise.all(Array.from({ length: 4 }, () => syncEach(paths)));
    if (this.#all) await syncFileSystem(this.#tree.root);
  }

  #open(path: TreePath, dir: boolean): number | undefined {
    const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
    try {
      return dir
        ? this.#tree.inside(path, (at) => fs.openSync(at('.'), flags))
        : this.#tree.at(path, (at) => fs.openSync(at, flags));
    } catch (error) {
      // Unreadable for us, since the mode is the source's: the sync of its folder and of the whole have to do.
      if (!vanished(error)) this.#all ||= (error as NodeJS.ErrnoException).code === 'EACCES';
      return undefined;
    }
  }
}

async function syncEach(todo: (() => number | undefined)[]): Promise<void> {
  for (let open = todo.pop(); open; open = todo.pop()) {
    const fd = open();
    if (fd === undefined) continue;
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
}

/** syncfs(2), through coreutils: node has no call for it. */
export async function syncFileSystem(path: string): Promise<void> {
  const { execFile } = await import('node:child_process');
  await promisify(execFile)('sync', ['-f', path]);
}
