import type { TreePath } from './names.ts';

/** How many there are; both sides of a comparison know it. */
export const bucketCount = 1024;

/**
 * The names of one directory in an order that does not change when others come and go. A million names are not sorted for it,
 * which would keep everything else in this process waiting: a name's bucket follows from the name alone.
 */
export class Buckets {
  readonly #names = new Map<number, string[]>();

  add(name: string): void {
    const bucket = bucketOf(name);
    const known = this.#names.get(bucket);
    if (known) known.push(name);
    else this.#names.set(bucket, [name]);
  }

  /** Whole buckets, as many as make a page of about so many names, from the bucket `from` on. The last page ends with the last bucket. */
  *pages(from: number, size: number): Generator<{ names: string[]; upTo: number }> {
    let names: string[] = [];
    const filled = [...this.#names.keys()].filter((bucket) => bucket >= from).sort((a, b) => a - b);
    const last = filled.pop();
    for (const bucket of filled) {
      for (const name of this.#names.get(bucket)!) names.push(name);
      if (names.length < size) continue;
      yield { names, upTo: bucket + 1 };
      names = [];
    }
    for (const name of last === undefined ? [] : this.#names.get(last)!) names.push(name);
    yield { names, upTo: bucketCount };
  }

  /** Of the buckets from `from` on, up to and without `upTo`. */
  *between(from: number, upTo: number): Generator<string> {
    for (let bucket = from; bucket < upTo && this.#names.size > 0; bucket++) yield* this.#names.get(bucket) ?? [];
  }
}

/** FNV-1a: spreads names that differ in a number at their end. */
function bucketOf(name: TreePath): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((hash >>> 16) ^ (hash & 0xffff)) % bucketCount;
}
