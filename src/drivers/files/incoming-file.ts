import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { BlockHashes, blockCount, blockSize, isZero } from './blocks.ts';
import { type Entry, isSoft } from './entry.ts';
import type { Row } from './ledger.ts';
import type { TreePath } from './names.ts';
import { applyMeta, type Placer } from './placer.ts';
import { vanished } from './rooted.ts';
import type { Piece } from './wire.ts';

const page = 4096;
/** Smaller files are sent again from the start. */
const resumableBytes = 4 * 1024 * 1024;

/** A file on its way: written as a part, proven by its hash, then moved to its place. Holes stay holes. */
export class IncomingFile {
  readonly entry: Entry;
  readonly #placer: Placer;
  readonly #part: string;
  readonly #fd: number;
  readonly #hashes: BlockHashes;
  /** The part holds old content, so zeros have to be written too. */
  readonly #overOld: boolean;
  #size = 0;
  #closed = false;
  /** Stays when the stream breaks, and the next one goes on from it. */
  readonly #resumable: boolean;

  private constructor(placer: Placer, entry: Entry, part: string, fd: number, old?: BlockHashes, resumable = false) {
    this.#placer = placer;
    this.entry = entry;
    this.#part = part;
    this.#fd = fd;
    this.#hashes = old ?? new BlockHashes();
    this.#overOld = old !== undefined && !resumable;
    this.#resumable = resumable;
  }

  static fresh(placer: Placer, entry: Entry): IncomingFile {
    if (entry.size >= resumableBytes && !isSoft(entry.sig)) {
      removeLeftOvers(placer, entry.path); // of other states of the file
      return IncomingFile.#resume(placer, entry, new BlockHashes());
    }
    const part = placer.newPart();
    return new IncomingFile(placer, entry, part, fs.openSync(part, 'wx', 0o600));
  }

  /** Goes on after the blocks that an earlier stream left; undefined where they are not here any more. */
  static after(placer: Placer, entry: Entry, from: number): IncomingFile | undefined {
    const left = leftOver(placer, entry.path, entry.sig);
    return left && left.count >= from ? IncomingFile.#resume(placer, entry, left) : undefined;
  }

  /** Makes the new content from a copy of the one that is here; undefined where that has gone. */
  static from(placer: Placer, entry: Entry, base: Row): IncomingFile | undefined {
    if (!base.blocks) return undefined;
    const part = placer.newPart();
    try {
      placer.tree.at(entry.path, (at) => fs.copyFileSync(at, part, fs.constants.COPYFILE_FICLONE));
    } catch (error) {
      if (vanished(error)) return undefined;
      throw error;
    }
    fs.chmodSync(part, 0o600);
    return new IncomingFile(placer, entry, part, fs.openSync(part, 'r+'), new BlockHashes(base.blocks));
  }

  static #resume(placer: Placer, entry: Entry, left: BlockHashes): IncomingFile {
    const part = partName(placer, entry.path, entry.sig);
    const fd = fs.openSync(part, left.count > 0 ? 'r+' : 'w', 0o600);
    const file = new IncomingFile(placer, entry, part, fd, left, true);
    file.#size = left.count * blockSize;
    return file;
  }

  /** Returns how many bytes came over the link. */
  write(piece: Piece): number {
    if (piece.data) {
      this.#hashes.set(piece.index, piece.data);
      const at = piece.index * blockSize;
      if (this.entry.sparse && !this.#overOld) this.#writeAround(piece.data, at);
      else fs.writeSync(this.#fd, piece.data, 0, piece.data.length, at);
      this.#size = Math.max(this.#size, at + piece.data.length);
      return piece.data.length;
    }
    const zeros = Buffer.alloc(blockSize);
    for (let index = piece.index; index < piece.index + piece.zeros; index++) {
      this.#hashes.set(index, zeros);
      if (this.#overOld) fs.writeSync(this.#fd, zeros, 0, blockSize, index * blockSize);
    }
    this.#size = Math.max(this.#size, (piece.index + piece.zeros) * blockSize);
    return 0;
  }

  /** Puts it in place; undefined, and nothing is changed, where the hash is not the sent one. */
  finish(hash: string): { blocks: Buffer; here: string } | undefined {
    let placed = false;
    try {
      const size = this.#overOld ? this.entry.size : Math.min(this.#size, this.entry.size);
      this.#hashes.cut(blockCount(size));
      if (this.#hashes.root() !== hash) return undefined;
      fs.ftruncateSync(this.#fd, size);
      applyMeta(Buffer.from(this.#part), this.entry);
      const here = this.#placer.place(this.#part, this.entry);
      placed = true;
      return { blocks: this.#hashes.table(), here };
    } finally {
      this.#close();
      if (!placed) fs.rmSync(this.#part, { force: true });
    }
  }

  /** The stream broke. */
  abandon(): void {
    this.#close();
    if (!this.#resumable) fs.rmSync(this.#part, { force: true });
  }

  #close(): void {
    if (!this.#closed) fs.closeSync(this.#fd);
    this.#closed = true;
  }

  /** Leaves holes where whole pages are zero. */
  #writeAround(data: Buffer, at: number): void {
    for (let from = 0; from < data.length; ) {
      const zero = isZero(data.subarray(from, from + page));
      let to = from;
      while (to < data.length && isZero(data.subarray(to, to + page)) === zero) to += page;
      to = Math.min(to, data.length);
      if (!zero) fs.writeSync(this.#fd, data, from, to - from, at + from);
      from = to;
    }
  }
}

/** Hashes of the whole blocks that a broken stream left of this state of the file. */
export function leftOver(placer: Placer, path: TreePath, sig: string): BlockHashes | undefined {
  const part = partName(placer, path, sig);
  if (!fs.existsSync(part)) return undefined;
  const fd = fs.openSync(part, 'r');
  try {
    const hashes = new BlockHashes();
    const block = Buffer.allocUnsafe(blockSize);
    for (let i = 0; fs.readSync(fd, block, 0, blockSize, i * blockSize) === blockSize; i++) hashes.set(i, block);
    return hashes;
  } finally {
    fs.closeSync(fd);
  }
}

const partName = (placer: Placer, path: TreePath, sig: string): string =>
  join(placer.parts, `${partPrefix(path)}${hash('sha256', sig, 'hex').slice(0, 16)}`);

const partPrefix = (path: TreePath): string => `large-${hash('sha256', path, 'hex')}-`;

function removeLeftOvers(placer: Placer, path: TreePath): void {
  for (const name of fs.readdirSync(placer.parts))
    if (name.startsWith(partPrefix(path))) fs.rmSync(join(placer.parts, name), { force: true });
}
