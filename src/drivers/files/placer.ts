import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join as joinPath } from 'node:path';
import { type Entry, exactly } from './entry.ts';
import { base, bytes, join, parent, type TreePath } from './names.ts';
import { handlePath, type Rooted, vanished } from './rooted.ts';

const root = process.getuid?.() === 0;

/**
 * Puts entries into the target's tree. Everything is made outside of it, in `parts`, and renamed to its place: nobody sees
 * a half-written file. Names are resolved by `Rooted`, so nothing the peer sends is written elsewhere.
 */
export class Placer {
  readonly tree: Rooted;
  readonly parts: string;
  #serial = 0;

  constructor(tree: Rooted, parts: string) {
    this.tree = tree;
    this.parts = parts;
    fs.mkdirSync(parts, { recursive: true, mode: 0o700 });
  }

  newPart(): string {
    return joinPath(this.parts, `${process.pid}-${Date.now().toString(36)}-${this.#serial++}`);
  }

  /** Moves a finished part to its place, over whatever is there. Answers with what it looks like there, as `exactly` says. */
  place(part: string, entry: Entry): string {
    return this.#inParent(entry.path, (at) => {
      clearDirectory(at);
      fs.renameSync(part, at);
      return lookOf(at);
    });
  }

  makeDir(entry: Entry): void {
    if (entry.path === '') return;
    this.#inParent(entry.path, (at) => {
      if (statOf(at)?.isDirectory()) return;
      fs.rmSync(at, { force: true });
      fs.mkdirSync(at, { mode: 0o700 });
    });
  }

  /** Symlinks, fifos, devices. Sockets cannot be moved: their process makes them anew. */
  makeSpecial(entry: Entry): string {
    if (!canMake(entry)) {
      this.remove(entry.path);
      return '';
    }
    const part = this.newPart();
    if (entry.kind === 'link') fs.symlinkSync(bytes(entry.link ?? ''), part);
    else if (entry.kind === 'fifo') execFileSync('mkfifo', ['-m', '600', part], { stdio: 'pipe' });
    else
      execFileSync('mknod', ['-m', '600', part, entry.kind === 'char' ? 'c' : 'b', ...deviceNumbers(entry.rdev ?? 0)], {
        stdio: 'pipe',
      });
    applyMeta(Buffer.from(part), entry);
    return this.place(part, entry);
  }

  /** Gives the file at `existing` the name of `entry` too. False where it is not there any more. */
  link(existing: TreePath, entry: Entry): boolean {
    const part = this.newPart();
    try {
      this.tree.at(existing, (at) => fs.linkSync(at, part));
    } catch (error) {
      if (vanished(error)) return false;
      throw error;
    }
    this.place(part, entry);
    fs.rmSync(part, { force: true }); // rename of two names of one file does nothing, and leaves both
    return true;
  }

  /** Owner, mode and times of what is there; undefined where it is not of that kind. */
  meta(entry: Entry): string | undefined {
    try {
      return this.tree.at(entry.path, (at) => {
        const st = statOf(at);
        if (!st || (entry.kind === 'dir') !== st.isDirectory() || (entry.kind === 'file') !== st.isFile())
          return undefined;
        applyMeta(at, entry);
        return lookOf(at);
      });
    } catch (error) {
      if (vanished(error)) return undefined;
      throw error;
    }
  }

  hasOtherNames(path: TreePath): boolean {
    return this.tree.at(path, (at) => (statOf(at)?.nlink ?? 0) > 1);
  }

  remove(path: TreePath): void {
    if (path === '') return;
    try {
      this.#withRights(path, () => this.tree.at(path, removeAll));
    } catch (error) {
      if (!vanished(error)) throw error;
    }
  }

  names(dir: TreePath): string[] {
    try {
      return this.tree.inside(dir, (at) => fs.readdirSync(at('.'), { encoding: 'latin1' }) as string[]);
    } catch (error) {
      if (vanished(error)) return [];
      throw error;
    }
  }

  syncDir(dir: TreePath): void {
    try {
      this.tree.inside(dir, (at) => {
        const fd = fs.openSync(at('.'), fs.constants.O_RDONLY);
        try {
          fs.fsyncSync(fd);
        } finally {
          fs.closeSync(fd);
        }
      });
    } catch (error) {
      if (!vanished(error)) throw error;
    }
  }

  #inParent<T>(path: TreePath, use: (at: Buffer) => T): T {
    const once = () => this.tree.inside(parent(path), (at) => use(at(base(path))));
    try {
      return this.#withRights(path, once);
    } catch (error) {
      if (!vanished(error) || path === '') throw error;
      this.#makeParents(parent(path));
      return this.#withRights(path, once);
    }
  }

  /** The source has directories on the way: what is something else here is old, and goes. */
  #makeParents(dir: TreePath): void {
    let path = '';
    for (const name of dir === '' ? [] : dir.split('/')) {
      const outer = path;
      path = join(path, name);
      this.tree.inside(outer, (at) => {
        const here = at(name);
        const st = statOf(here);
        if (st?.isDirectory()) return;
        if (st) fs.unlinkSync(here);
        fs.mkdirSync(here, { mode: 0o700 });
      });
    }
  }

  /** Without root, a read-only directory keeps even its owner from changing it: opened for us, and set again by `settle`. */
  #withRights<T>(path: TreePath, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES' || root || path === '') throw error;
      let dir = '';
      for (const name of ['', ...path.split('/').slice(0, -1)]) {
        dir = name === '' ? dir : join(dir, name);
        this.tree.at(dir, (at) => fs.chmodSync(at, 0o700));
      }
      return act();
    }
  }
}

export const canMake = ({ kind }: Pick<Entry, 'kind'>): boolean =>
  kind !== 'socket' && (root || (kind !== 'char' && kind !== 'block'));

/** Owner first: chown takes setuid away. Times last. */
export function applyMeta(at: Buffer, entry: Entry): void {
  if (root) fs.lchownSync(at, entry.uid, entry.gid);
  if (entry.kind !== 'link') fs.chmodSync(at, entry.mode);
  const mtime = seconds(entry.mtime);
  fs.lutimesSync(at, mtime, mtime);
}

/**
 * Node takes times as a double of seconds, which cannot hold nanoseconds: aiming at the middle of the microsecond keeps
 * that one exact.
 */
export const seconds = (mtimeNs: string): number => Number(BigInt(mtimeNs) / 1000n) / 1e6 + 0.5e-6;

/** The same microsecond: what `seconds` can keep. */
export const microseconds = (mtimeNs: string | bigint): string => String(BigInt(mtimeNs) / 1000n);

const lookOf = (at: Buffer): string => exactly(fs.lstatSync(at, { bigint: true }));

function statOf(at: Buffer): fs.Stats | undefined {
  return fs.lstatSync(at, { throwIfNoEntry: false });
}

/** A file cannot be renamed over a directory. */
function clearDirectory(at: Buffer): void {
  if (statOf(at)?.isDirectory()) removeAll(at);
}

const deviceNumbers = (rdev: number): [string, string] => {
  const dev = BigInt(rdev);
  return [String(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)), String((dev & 0xffn) | ((dev >> 12n) & ~0xffn))];
};

/** Through handles, so that neither depth nor a symlink put in the way leads astray. */
function removeAll(at: Buffer): void {
  const st = statOf(at);
  if (!st) return;
  if (!st.isDirectory()) {
    fs.unlinkSync(at);
    return;
  }
  const fd = fs.openSync(at, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
  try {
    const names = fs.readdirSync(handlePath(fd, '.'), { encoding: 'latin1' }) as string[];
    for (const name of names) removeAll(handlePath(fd, name));
  } finally {
    fs.closeSync(fd);
  }
  fs.rmdirSync(at);
}
