import type { BlockHashes } from './blocks.ts';
import type { Entry } from './entry.ts';
import type { TreePath } from './names.ts';

interface Known {
  hash: string;
  table: Buffer;
}

const maxLinked = 20_000;

/**
 * The source's memory of the large files and the hard-linked ones that it sent, so that a change sends the blocks that
 * changed, and a second name sends no content. Bounded: the oldest are forgotten, which costs sending such a file whole.
 * The target checks that it has what is assumed here, and else asks for all of it.
 */
export class Sent {
  readonly #files = new Map<TreePath, Known>();
  readonly #linked = new Map<string, { sig: string; hash: string }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = 16 * 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }

  get(path: TreePath): Known | undefined {
    return this.#files.get(path);
  }

  /** The content's hash, where the same file was sent under another name and has not changed since. */
  sameFile(entry: Entry): string | undefined {
    const known = entry.linked ? this.#linked.get(entry.ino!) : undefined;
    return known?.sig === entry.sig ? known.hash : undefined;
  }

  put(entry: Entry, hashes: BlockHashes): void {
    this.drop(entry.path);
    const known = { hash: hashes.root(), table: hashes.table() };
    if (entry.linked) {
      if (this.#linked.size >= maxLinked) this.#linked.clear();
      this.#linked.set(entry.ino!, { sig: entry.sig, hash: known.hash });
    }
    if (hashes.count <= 1) return;
    this.#files.set(entry.path, known);
    this.#bytes += cost(known);
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.drop(oldest);
    }
  }

  /** The target has removed it, with all that was in it. */
  dropAll(path: TreePath): void {
    for (const known of this.#files.keys()) if (known === path || known.startsWith(`${path}/`)) this.drop(known);
  }

  drop(path: TreePath): void {
    const known = this.#files.get(path);
    if (!known) return;
    this.#bytes -= cost(known);
    this.#files.delete(path);
  }
}

const cost = (known: Known): number => known.table.length + 300;
