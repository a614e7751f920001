import { createHash, type Hash } from 'node:crypto';
import { log } from '../../base/log.ts';
import { asLeft, lookAt } from './as-left.ts';
import type { Entry } from './entry.ts';
import { IncomingFile } from './incoming-file.ts';
import type { Ledger, Row } from './ledger.ts';
import type { Message } from './messages.ts';
import { assertInside, parent, type TreePath } from './names.ts';
import type { Placer } from './placer.ts';
import type { Unsynced } from './unsynced.ts';
import type { Piece } from './wire.ts';

export interface Applied {
  bytes: number;
  items: number;
}

/**
 * Applies the changes of one stream, in order. The tree is changed first and the ledger after it. What cannot be applied
 * because the source assumed something that is not here ends up in `missing`, to be asked for whole.
 */
export class Receiver {
  readonly #placer: Placer;
  readonly #ledger: Ledger;
  readonly #unsynced: Unsynced;
  #file: IncomingFile | undefined;
  #skipping = false;
  #proof: Hash = createHash('sha256');
  #proofs = 0;
  readonly applied: Applied = { bytes: 0, items: 0 };
  readonly unreadable: string[] = [];
  missing: TreePath[] = [];

  constructor(placer: Placer, ledger: Ledger, unsynced: Unsynced) {
    this.#placer = placer;
    this.#ledger = ledger;
    this.#unsynced = unsynced;
  }

  /** True where the message was a change. */
  take(message: Message | Piece): boolean {
    switch (message.t) {
      case 'put':
        assertInside(message.entry.path);
        this.#put(message.entry, message.base, message.from ?? 0);
        return true;
      case 'piece':
        if (this.#file) this.applied.bytes += this.#file.write(message);
        else if (!this.#skipping) throw new Error('a piece of no file');
        return true;
      case 'end':
        this.#end(message.hash, message.sig);
        return true;
      case 'same':
        assertInside(message.entry.path);
        this.#same(message.entry, message.hash);
        return true;
      case 'gone':
        assertInside(message.path);
        this.#gone(message.path);
        return true;
      case 'unreadable':
        this.unreadable.push(message.detail);
        return true;
      default:
        return false;
    }
  }

  /** What was applied since, as the marker's digest; see `Pusher.mark`. */
  startProof(): void {
    this.#proof = createHash('sha256');
    this.#proofs = 0;
  }

  proof(): { items: number; digest: string } {
    return { items: this.#proofs, digest: this.#proof.copy().digest('hex') };
  }

  abandon(): void {
    this.#file?.abandon();
    this.#file = undefined;
  }

  #put(entry: Entry, base: string | null, from: number): void {
    this.abandon();
    this.#skipping = false;
    if (entry.kind === 'file') {
      this.#file = this.#open(entry, base, from);
      if (!this.#file) this.#skip(entry.path);
      return;
    }
    if (entry.kind === 'dir') {
      this.#placer.makeDir(entry);
      this.#ledger.put(entry, '', null, '', ''); // settled once its content is there
    } else {
      this.#ledger.put(entry, '', null, this.#placer.makeSpecial(entry));
    }
    this.#changed(entry.path, entry.kind);
  }

  #open(entry: Entry, base: string | null, from: number): IncomingFile | undefined {
    if (from > 0) return IncomingFile.after(this.#placer, entry, from);
    if (base === null) return IncomingFile.fresh(this.#placer, entry);
    const row = this.#ledger.get(entry.path);
    return row?.hash === base && this.#isAsLeft(row) ? IncomingFile.from(this.#placer, entry, row) : undefined;
  }

  #skip(path: TreePath): void {
    this.#skipping = true;
    this.missing.push(path);
  }

  #end(hash: string, sig: string): void {
    const file = this.#file;
    this.#file = undefined;
    if (this.#skipping && !file) return;
    if (!file) throw new Error('the end of no file');
    const entry = { ...file.entry, sig };
    const placed = file.finish(hash);
    if (placed === undefined) {
      this.#ledger.doubt(entry.path);
      log.warn({ bytes: entry.size }, 'a file arrived with another hash than it was sent with; asked for again');
      this.#skip(entry.path);
      return;
    }
    const { blocks, here } = placed;
    this.#ledger.put(entry, hash, blocks.length > 32 ? blocks : null, here);
    this.#otherNames(entry, hash, blocks);
    this.#changed(entry.path, hash);
  }

  /** The content is here already, in its place or under another name of the same file. */
  #same(entry: Entry, hash: string): void {
    const adopted = this.#adopt(entry, hash);
    if (adopted?.here === undefined) {
      this.#skip(entry.path);
      return;
    }
    this.#ledger.put(entry, hash, adopted.blocks, adopted.here);
    this.#changed(entry.path, hash);
  }

  #adopt(entry: Entry, hash: string): { blocks: Uint8Array | null; here: string | undefined } | undefined {
    const mate = entry.linked ? this.#mateOf(entry, hash) : undefined;
    if (mate)
      return this.#placer.link(mate.path, entry) ? { blocks: mate.blocks, here: this.#placer.meta(entry) } : undefined;
    const row = this.#ledger.get(entry.path);
    if (row?.kind !== 'file' || row.hash !== hash || !this.#isAsLeft(row)) return undefined;
    // Another file with the same content: what is here may still be a name of the one before.
    if (row.ino !== entry.ino && this.#placer.hasOtherNames(entry.path)) return undefined;
    return { blocks: row.blocks, here: this.#placer.meta(entry) };
  }

  /** Somebody else may have written to it: its hash is that of what the stream put there. */
  #isAsLeft(row: Row): boolean {
    const here = lookAt(this.#placer.tree, row.entry.path);
    return here !== undefined && asLeft(row, here);
  }

  #mateOf(entry: Entry, hash: string) {
    return this.#ledger
      .namesOf(entry.ino!)
      .find(
        (other) => other.path !== entry.path && other.hash === hash && this.#isAsLeft(this.#ledger.get(other.path)!),
      );
  }

  /** Names of one file stay one file: the others get the new content too, since no event tells that they changed. */
  #otherNames(entry: Entry, hash: string, blocks: Uint8Array): void {
    if (!entry.linked) return;
    for (const other of this.#ledger.namesOf(entry.ino!)) {
      if (other.path === entry.path) continue;
      const twin = { ...entry, path: other.path };
      if (!this.#placer.link(entry.path, twin)) continue;
      this.#ledger.put(twin, hash, blocks.length > 32 ? blocks : null, '');
      this.#ledger.touch(parent(other.path));
    }
  }

  #gone(path: TreePath): void {
    this.#placer.remove(path);
    this.#ledger.drop(path);
    this.#changed(path, 'gone');
  }

  #changed(path: TreePath, proof: string): void {
    if (path !== '') this.#ledger.touch(parent(path));
    if (proof.length === 64) this.#unsynced.add(path);
    else this.#unsynced.addDir(parent(path));
    this.#proof.update(`${proof} ${path}\0`);
    this.#proofs++;
    this.applied.items++;
  }
}
