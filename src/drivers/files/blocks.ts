import { hash } from 'node:crypto';

/** The unit of hashing, of holes, and of what is sent again when a large file changes. */
export const blockSize = 256 * 1024;

const zeros = Buffer.alloc(blockSize);
const empty = hash('sha256', '', 'hex');

export const isZero = (block: Buffer): boolean => block.equals(zeros.subarray(0, block.length));
export const blockCount = (size: number): number => Math.ceil(size / blockSize);
export const blockLength = (size: number, index: number): number => Math.min(blockSize, size - index * blockSize);

/**
 * The hash of a content: SHA-256 of it, or, over more than one block, of its blocks' SHA-256s. So a change can be proven
 * from the blocks that changed, and both sides compute it while the bytes pass.
 */
export class BlockHashes {
  #table: Buffer;
  #count: number;

  constructor(table: Uint8Array = Buffer.alloc(0)) {
    this.#table = Buffer.from(table);
    this.#count = table.length / 32;
  }

  /** Returns the block's hash. */
  set(index: number, block: Buffer): Buffer {
    const sum = hash('sha256', block, 'buffer');
    if ((index + 1) * 32 > this.#table.length) {
      const grown = Buffer.alloc(Math.max((index + 1) * 32, this.#table.length * 2));
      this.#table.copy(grown);
      this.#table = grown;
    }
    sum.copy(this.#table, index * 32);
    this.#count = Math.max(this.#count, index + 1);
    return sum;
  }

  get(index: number): Buffer | undefined {
    return index < this.#count ? this.#table.subarray(index * 32, index * 32 + 32) : undefined;
  }

  cut(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  get count(): number {
    return this.#count;
  }

  table(): Buffer {
    return Buffer.from(this.#table.subarray(0, this.#count * 32));
  }

  root(): string {
    if (this.#count === 0) return empty;
    const all = this.#table.subarray(0, this.#count * 32);
    return this.#count === 1 ? all.toString('hex') : hash('sha256', all, 'hex');
  }
}
