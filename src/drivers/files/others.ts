import { asLeft, lookAt } from './as-left.ts';
import { breathe } from './breath.ts';
import { exactly } from './entry.ts';
import type { Home } from './home.ts';
import { join, type TreePath } from './names.ts';
import { canMake } from './placer.ts';
import { vanished } from './rooted.ts';
import { walk } from './walk.ts';
import { Watcher } from './watcher.ts';

/** More than this, and everything is looked at instead. */
const most = 50_000;
const mostAtOnce = 2_000;
const mostRounds = 3;

/**
 * What others than the stream have changed in the copy: a preview of the app may write to it, and no file system refuses all
 * writers but one. As on the source, events are hints and a scan is the truth; what a thing has to look like is in the
 * ledger, which notes how the stream left it.
 */
export class Others {
  readonly #home: Home;
  readonly #watcher: Watcher;
  readonly #hints = new Set<TreePath>();
  readonly #found = new Set<TreePath>();
  /** Everything was looked at, and since then every change was hinted at. */
  #whole = false;
  #scanning: Promise<void> | undefined;
  #closed = false;

  constructor(home: Home, stateFolder: string) {
    this.#home = home;
    const heard = { changed: (path: TreePath) => this.#hint(path), lost: () => this.#lose() };
    this.#watcher = new Watcher(home.placer.tree, home.ignore, stateFolder, heard);
  }

  /** Every path that somebody else had changed before the call, and that is still so. */
  async look(): Promise<TreePath[]> {
    await this.#watcher.barrier();
    for (let round = 0; round < mostRounds; round++) {
      await this.prepare();
      this.#sift();
      if (this.#whole) break;
    }
    return [...this.#found].flatMap((path) => this.#withContent(path));
  }

  /** So that a look has little to do. Where all of the tree is watched, one scan is enough. */
  async prepare(): Promise<void> {
    await this.#scanning;
    if (this.#closed || (this.#whole && !this.#watcher.blind)) return;
    this.#scanning = this.#scan().finally(() => (this.#scanning = undefined));
    await this.#scanning;
  }

  /** Drops the hints that the stream's own work has raised, a part of them at a time: in the freeze there are few left. */
  async settle(): Promise<void> {
    let left = mostAtOnce;
    for (const path of this.#hints) {
      await breathe();
      if (this.#closed || left-- === 0) return;
      if (this.#hints.delete(path)) this.#judge(path);
    }
  }

  /** It is not as the stream left it. Synchronous, as the stream changes tree and ledger in one go. */
  changed(path: TreePath): boolean {
    const row = this.#home.ledger.get(path);
    const here = lookAt(this.#home.placer.tree, path);
    if (!here) return row !== undefined && canMake(row.entry);
    // A socket is its process's own, wherever that runs.
    if (here.isSocket()) return false;
    return row === undefined ? !this.#home.ignore(path) : !asLeft(row, here);
  }

  close(): void {
    this.#closed = true;
    this.#watcher.close();
  }

  async #scan(): Promise<void> {
    this.#whole = true; // a loss from here on says otherwise
    const { ledger, placer, ignore } = this.#home;
    this.#judge('');
    let names = new Set<string>();
    const enter = (dir: TreePath) => void (this.#closed || this.#watcher.ensure(dir, true));
    for await (const page of walk(placer.tree, ignore, enter, exactly)) {
      if (this.#closed) return;
      for (const [name, sig] of page.names) {
        names.add(name);
        const path = join(page.dir, name);
        if (ledger.hereOf(path) !== sig) this.#find(path);
      }
      if (!page.last) continue;
      for (const { name } of ledger.list(page.dir)) {
        await breathe();
        if (!names.has(name)) this.#find(join(page.dir, name));
      }
      names = new Set();
    }
  }

  /** Until no hint is left. What was not the stream's has become so where the source has the same: then what is in it is not yet. */
  #sift(): void {
    do {
      for (const path of this.#hints) {
        this.#hints.delete(path);
        this.#judge(path);
      }
      for (const path of this.#found) {
        if (this.changed(path)) continue;
        this.#found.delete(path);
        this.#judge(path);
      }
    } while (this.#hints.size > 0);
  }

  #judge(path: TreePath): void {
    const { ledger, placer } = this.#home;
    const here = lookAt(placer.tree, path);
    const found = this.#find(path);
    // Whoever writes by one name of a file changes what is under its others, and no event tells of them.
    if (found && here?.isFile() && here.nlink > 1n) this.#lose();
    if (!here?.isDirectory()) this.#watcher.forget(path);
    else if (ledger.get(path)) this.#enter(path);
  }

  /** The stream itself sets modes and times of directories all the time, which looks like a move of them: hence `patient`. */
  #enter(dir: TreePath): void {
    try {
      if (this.#watcher.ensure(dir, true) === 'known') return;
      // Another one by this name than before: what is in it, and what should be.
      const { ledger, placer } = this.#home;
      for (const name of [...placer.names(dir), ...Array.from(ledger.list(dir), (row) => row.name)])
        this.#hint(join(dir, name));
    } catch (error) {
      if (!vanished(error)) throw error;
      this.#watcher.forget(dir);
    }
  }

  /** A directory that is nobody's: the source may have one by this name by now, and then would not say that the rest goes. */
  #withContent(path: TreePath): TreePath[] {
    const { ledger, placer } = this.#home;
    const all = [path];
    for (const one of all)
      if (!ledger.get(one) && lookAt(placer.tree, one)?.isDirectory() && all.length < most)
        all.push(...placer.names(one).map((name) => join(one, name)));
    return all;
  }

  #find(path: TreePath): boolean {
    if (!this.changed(path)) return false;
    if (this.#found.size < most) this.#found.add(path);
    else this.#lose();
    return true;
  }

  #hint(path: TreePath): void {
    if (this.#hints.size < most) this.#hints.add(path);
    else this.#lose();
  }

  #lose(): void {
    this.#whole = false;
  }
}
