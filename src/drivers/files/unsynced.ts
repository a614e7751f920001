import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { parent, type TreePath } from './names.ts';
import { NotOnDisk } from './not-on-disk.ts';
import { type Rooted, vanished } from './rooted.ts';

const fsync = promisify(fs.fsync);
const max = 20_000;
const atOnce = 4;

/**
 * What was written and may still be only in memory. Flushed all the time while following, so that in the freeze there is
 * only what was written in it. Above its bound it says so, and `flush` syncs the whole file system instead.
 */
export class Unsynced {
  readonly #tree: Rooted;
  #files = new Set<TreePath>();
  #dirs = new Set<TreePath>();
  #all = false;
  /** The file system has lost something and does not say what: from then on nothing here is called flushed. */
  #lost: NotOnDisk | undefined;

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

  /**
   * Everything added before this call is on disk when it resolves. Where it throws, all of that is still to be flushed.
   * @throws NotOnDisk where something was lost, which flushing again would not bring back
   */
  async flush(): Promise<void> {
    const [files, dirs, all] = [this.#files, this.#dirs, this.#all];
    this.#files = new Set();
    this.#dirs = new Set();
    this.#all = false;
    try {
      if (all || !(await this.#each(files, dirs))) await this.flushAll();
    } catch (error) {
      for (const path of files) this.add(path);
      for (const dir of dirs) this.addDir(dir);
      this.#all ||= all;
      throw error;
    }
  }

  /** The whole file system. @throws NotOnDisk */
  async flushAll(): Promise<void> {
    if (this.#lost) throw this.#lost;
    try {
      await syncFileSystem(this.#tree.root);
    } catch (error) {
      // Another error is that it could not be asked for: nothing is lost by that.
      if (/error syncing/.test(String(error))) this.#lost = new NotOnDisk([], error);
      throw this.#lost ?? error;
    }
  }

  /** False where some could not be opened, so that only the sync of all does. */
  async #each(files: ReadonlySet<TreePath>, dirs: ReadonlySet<TreePath>): Promise<boolean> {
    const todo = [
      ...[...files].map((path) => ({ path, dir: false })),
      ...[...dirs].map((path) => ({ path, dir: true })),
    ];
    const lost: TreePath[] = [];
    let [cause, opened]: [unknown, boolean] = [undefined, true];
    const work = async () => {
      for (let next = todo.pop(); next; next = todo.pop()) {
        const fd = this.#open(next.path, next.dir);
        if (fd === 'gone') continue;
        if (fd === undefined) opened = false;
        else
          await syncAndClose(fd).catch((error) => {
            cause ??= error;
            if (!next!.dir) lost.push(next!.path);
          });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    if (cause) throw new NotOnDisk(lost, cause);
    return opened;
  }

  /** Undefined where we may not, since the mode is the source's, or cannot just now. */
  #open(path: TreePath, dir: boolean): number | 'gone' | undefined {
    const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
    try {
      return dir
        ? this.#tree.inside(path, (at) => fs.openSync(at('.'), flags))
        : this.#tree.at(path, (at) => fs.openSync(at, flags));
    } catch (error) {
      return vanished(error) ? 'gone' : undefined;
    }
  }
}

/** Only what a stream puts there can be synced; a fifo that somebody else made in its place is not its file. */
async function syncAndClose(fd: number): Promise<void> {
  try {
    const st = fs.fstatSync(fd);
    if (st.isFile() || st.isDirectory()) await fsync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** syncfs(2), through coreutils: node has no call for it. */
export async function syncFileSystem(path: string): Promise<void> {
  const { execFile } = await import('node:child_process');
  await promisify(execFile)('sync', ['-f', path], { env: { ...process.env, LC_ALL: 'C' } });
}
