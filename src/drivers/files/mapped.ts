import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import type { TreePath } from './names.ts';
import { type Rooted, vanished } from './rooted.ts';

/** A file is looked at for so long after it was last seen mapped; milliseconds. */
const rememberedMs = 60_000;

interface Process {
  size: string;
  mapped: TreePath[];
}

/**
 * Files of the tree that some process has mapped shared and writable, as far as /proc lets us see. Writes through a mapping
 * raise no event, so these are always looked at. A process is read again only when its size has changed, which a new
 * mapping does: so that the freeze can afford it.
 */
export class Mappings {
  readonly #tree: Rooted;
  #processes = new Map<string, Process>();
  readonly #seen = new Map<TreePath, number>();

  constructor(tree: Rooted) {
    this.#tree = tree;
  }

  async look(): Promise<TreePath[]> {
    const now = performance.now();
    const processes = new Map<string, Process>();
    let read = 0;
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const size = proc(`${pid}/statm`).split(' ')[0]!;
      const known = this.#processes.get(pid);
      const mapped = known?.size === size ? known.mapped : this.#mappedBy(pid);
      if (mapped !== known?.mapped && ++read % 8 === 0) await tick();
      processes.set(pid, { size, mapped });
      for (const path of mapped) this.#seen.set(path, now);
    }
    this.#processes = processes;
    for (const [path, at] of this.#seen) if (now - at > rememberedMs) this.#seen.delete(path);
    return [...this.#seen.keys()];
  }

  #mappedBy(pid: string): TreePath[] {
    const found = new Set<TreePath>();
    for (const line of proc(`${pid}/maps`).split('\n')) {
      const [, inode, path] = /^\S+ rw.s \S+ \S+ ([1-9]\d*) +(\/.*)$/.exec(line) ?? [];
      const inside = inode && path && this.#inTree(inode, path.replace(/\\012/g, '\n'));
      if (inside) found.add(inside);
    }
    return [...found];
  }

  /** The path is as that process sees it, in a container another one than ours: the inode tells which end of it is in the tree. */
  #inTree(inode: string, path: string): TreePath | undefined {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const end = path.slice(at + 1);
      if (end !== '' && this.#inodeOf(end) === inode) return end;
    }
    return undefined;
  }

  #inodeOf(path: TreePath): string | undefined {
    try {
      return this.#tree.at(path, (at) => String(lstatSync(at, { bigint: true }).ino));
    } catch (error) {
      if (vanished(error)) return undefined;
      throw error;
    }
  }
}

/** '' for what ended meanwhile or is not ours to read. */
function proc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return '';
  }
}
