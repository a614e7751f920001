import { closeSync, type FSWatcher, fstatSync, watch } from 'node:fs';
import { Barrier } from './barrier.ts';
import { countEvent, onFlood, sysctl } from './flood.ts';
import type { Ignore } from './ignore.ts';
import { join, type TreePath } from './names.ts';
import type { Rooted } from './rooted.ts';

interface Watched {
  watcher: FSWatcher | undefined;
  /** Device, inode and birth: the directory that is watched, whatever its name has become. */
  id: string;
  /** It was moved or deleted; the name may be another directory's by now, even one with the same inode. */
  stale: boolean;
  children: Map<string, Watched>;
}

/** Above this many, watches would cost more memory than an agent has; the rest of the tree is scanned. */
const maxWatches = 60_000;

/**
 * Hints about what changed: one watch a directory. A hint is a path to look at, nothing more. `lost` is called when hints
 * may be missing; then only a scan that began later tells the truth.
 */
export class Watcher {
  readonly #tree: Rooted;
  readonly #ignore: Ignore;
  readonly #changed: (path: TreePath) => void;
  readonly #lost: (why: string) => void;
  readonly #barrier: Barrier;
  readonly #offFlood: () => void;
  #root: Watched = node();
  #count = 0;
  #closed = false;
  readonly #max: number;
  /** Part of the tree has no watch: every freeze needs a scan. */
  blind = false;

  constructor(
    tree: Rooted,
    ignore: Ignore,
    stateFolder: string,
    on: { changed: (path: TreePath) => void; lost: (why: string) => void },
    max = Math.min(maxWatches, Math.floor(sysctl('max_user_watches', 8192) * 0.8)),
  ) {
    this.#tree = tree;
    this.#ignore = ignore;
    this.#changed = on.changed;
    this.#lost = on.lost;
    this.#max = max;
    this.#barrier = new Barrier(stateFolder);
    this.#offFlood = onFlood(() => this.#lost('too many events at once'));
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Watches the directory. `new`: what is in it has to be looked at; `replaced`: and what was in the one before is gone.
   * After an event of its own, which may have been a move, the same directory counts as new: what it held may have been
   * taken for gone. With `patient` it does not, for who judges no hint before all have come. Throws ENOENT, ENOTDIR.
   */
  ensure(dir: TreePath, patient = false): 'known' | 'new' | 'replaced' {
    const fd = this.#tree.open(dir);
    try {
      const { dev, ino, birthtimeNs } = fstatSync(fd, { bigint: true });
      const id = `${dev}:${ino}:${birthtimeNs}`;
      const here = this.#find(dir, true)!;
      const before = here.id;
      if (before === id && patient) here.stale = false;
      if (before === id && !here.stale) return 'known';
      if (before !== '') this.#close(here);
      here.watcher = this.#watch(dir, fd, here);
      here.id = id;
      here.stale = false;
      return before === '' || before === id ? 'new' : 'replaced';
    } finally {
      closeSync(fd);
    }
  }

  /** Not a directory any more. */
  forget(path: TreePath): void {
    const here = this.#find(path, false);
    if (!here || path === '') return;
    this.#close(here);
    const slash = path.lastIndexOf('/');
    this.#find(slash < 0 ? '' : path.slice(0, slash), false)?.children.delete(path.slice(slash + 1));
  }

  /** When it resolves, every change made before the call has been hinted at, or `lost` was called. */
  async barrier(): Promise<void> {
    if (!(await this.#barrier.pass())) this.#lost('the barrier was not seen');
  }

  close(): void {
    this.#closed = true;
    this.#offFlood();
    this.#close(this.#root);
    this.#barrier.close();
  }

  #watch(dir: TreePath, fd: number, here: Watched): FSWatcher | undefined {
    if (this.#count >= this.#max) return this.#goBlind('there are more directories than watches');
    try {
      // Through the handle, so that a symlink put in the way is not followed. Names come as bytes, one char each; what
      // happens to the directory itself has the last part of this path as its name, which no entry can have.
      const options = { encoding: 'latin1' as BufferEncoding, persistent: false };
      const watcher = watch(`/proc/self/fd/${fd}/.`, options, (event, name) => this.#event(dir, here, event, name));
      watcher.on('error', (error) => this.#lost(error.message));
      this.#count++;
      return watcher;
    } catch (error) {
      return this.#goBlind((error as Error).message);
    }
  }

  #goBlind(why: string): undefined {
    if (!this.blind) this.#lost(why);
    this.blind = true;
  }

  #event(dir: TreePath, here: Watched, event: string, name: string | null): void {
    if (this.#closed) return;
    countEvent();
    const itself = name === null || name === '.';
    if (itself && event === 'rename') here.stale = true;
    // Creating, deleting and renaming change the directory's own times.
    if (itself || event === 'rename') this.#changed(dir);
    if (itself) return;
    const path = join(dir, name);
    if (!this.#ignore(path)) this.#changed(path);
  }

  #find(path: TreePath, create: boolean): Watched | undefined {
    let here = this.#root;
    for (const name of path === '' ? [] : path.split('/')) {
      const next = here.children.get(name) ?? (create ? node() : undefined);
      if (!next) return undefined;
      here.children.set(name, next);
      here = next;
    }
    return here;
  }

  #close(from: Watched): void {
    const todo = [from];
    for (let one = todo.pop(); one; one = todo.pop()) {
      todo.push(...one.children.values());
      if (one.watcher) this.#count--;
      one.watcher?.close();
      one.watcher = undefined;
      one.id = '';
      one.children.clear();
    }
  }
}

const node = (): Watched => ({ watcher: undefined, id: '', stale: false, children: new Map() });
