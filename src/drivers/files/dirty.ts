import { lstatSync } from 'node:fs';
import type { Wanted } from './messages.ts';
import type { TreePath } from './names.ts';
import { type Rooted, vanished } from './rooted.ts';

export interface Change extends Wanted {
  /** The directory that had this name is gone, with all that was in it. */
  replaced?: boolean;
  /** The target has named it: it has something by this name, which may be another thing. */
  doubted?: boolean;
  /** `performance.now()` of the first hint. */
  since: number;
}

/** Paths to look at and send. Bounded: beyond `max` the set says `full`, and a scan has to find them instead. */
export class Dirty {
  readonly #max: number;
  #paths = new Map<TreePath, Change>();

  constructor(max = 50_000) {
    this.#max = max;
  }

  get size(): number {
    return this.#paths.size;
  }

  has(path: TreePath): boolean {
    return this.#paths.has(path);
  }

  /** False where there was no room. */
  add(change: Omit<Change, 'since'>, since = performance.now()): boolean {
    const known = this.#paths.get(change.path);
    if (!known && this.#paths.size >= this.#max) return false;
    this.#paths.set(change.path, { ...known, ...change, since: Math.min(since, known?.since ?? since) });
    return true;
  }

  /** Takes up to `limit` out, directories before what is in them. */
  take(limit: number): Change[] {
    const taken: Change[] = [];
    for (const change of this.#paths.values()) {
      if (taken.length >= limit) break;
      taken.push(change);
    }
    for (const { path } of taken) this.#paths.delete(path);
    return taken.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { since } of this.#paths.values()) oldest = Math.min(since, oldest ?? since);
    return oldest;
  }

  /** How much content that is, from the sizes of the first 200. */
  bytes(tree: Rooted): number {
    let bytes = 0;
    let seen = 0;
    for (const path of this.#paths.keys()) {
      if (seen++ >= 200) break;
      bytes += sizeOf(tree, path);
    }
    return seen === 0 ? 0 : Math.round((bytes / seen) * this.size);
  }
}

function sizeOf(tree: Rooted, path: TreePath): number {
  try {
    return tree.at(path, (at) => {
      const st = lstatSync(at, { throwIfNoEntry: false });
      return st?.isFile() ? st.size : 0;
    });
  } catch (error) {
    if (vanished(error)) return 0;
    throw error;
  }
}
