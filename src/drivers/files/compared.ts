import type { Bookmark } from '../store.ts';
import { bootId } from './boot.ts';
import type { TreePath } from './names.ts';
import type { Suspects } from './suspects.ts';
import type { Spot } from './walk-in-order.ts';

/** Kept with the spot; a comparison that finds more of them begins at the beginning. */
const mostKept = 200;

interface Kept extends Spot {
  /** What was proven before the machine was started anew may not have reached the disk. */
  boot: string;
  /** What did not look the same before the spot: no verdict yet, so it is looked at again. */
  suspects: TreePath[];
}

/** How far a comparison of a tree has come. What was written before that spot since comes by the stream, which hashes it. */
export class Compared {
  readonly items: number;
  readonly spot: Spot | undefined;
  readonly suspects: readonly TreePath[] | undefined;
  readonly #bookmark: Bookmark | undefined;

  constructor(bookmark: Bookmark | undefined) {
    const kept = bookmark?.get();
    const at = kept ? (JSON.parse(kept.at) as Kept) : undefined;
    const begun = at?.boot === bootId() ? at : undefined;
    this.#bookmark = bookmark;
    this.items = begun ? kept!.items : 0;
    this.spot = begun && { dir: begun.dir, upTo: begun.upTo };
    this.suspects = begun?.suspects;
  }

  reached(spot: Spot, items: number, { paths, leftOut }: Suspects): void {
    if (leftOut > 0 || paths.length > mostKept) return;
    const at: Kept = { ...spot, boot: bootId(), suspects: paths };
    this.#bookmark?.set(JSON.stringify(at), items);
  }
}
