import type { Bookmark, VerifyResult } from '../../../store.ts';

/** Whose keys are gone through: first the source's, then the target's, for what only that one has. */
export type Pass = 'source' | 'target';

interface Kept {
  /** The copy, and both processes: a cursor means something to the one that gave it, however many keys come and go. */
  copy: string;
  db: number;
  pass: Pass;
  cursor: string;
}

/** Where a comparison is. What was written before that place since comes by the stream. */
export class Place {
  readonly items: number;
  readonly #bookmark: Bookmark | undefined;
  readonly #copy: string;
  readonly #begun: Kept | undefined;

  constructor(bookmark: Bookmark | undefined, copy: string) {
    const kept = bookmark?.get();
    const begun = kept ? (JSON.parse(kept.at) as Kept) : undefined;
    this.#bookmark = bookmark;
    this.#copy = copy;
    this.#begun = begun?.copy === copy ? begun : undefined;
    this.items = this.#begun ? kept!.items : 0;
  }

  /** The cursor to begin with; undefined where all of this pass was compared. */
  of(db: number, pass: Pass): string | undefined {
    const begun = this.#begun;
    if (!begun || db > begun.db) return '0';
    if (db < begun.db) return undefined;
    if (pass === begun.pass) return begun.cursor;
    return pass === 'target' ? '0' : undefined;
  }

  /** A cursor of '0' is the end of the pass. From the first key on that was not found equal, nothing is kept. */
  reached(db: number, pass: Pass, cursor: string, { items, differences, unsettled = 0 }: VerifyResult): void {
    if (differences.length > 0 || unsettled > 0) return;
    const next =
      cursor !== '0' ? { db, pass } : pass === 'source' ? { db, pass: 'target' } : { db: db + 1, pass: 'source' };
    this.#bookmark?.set(JSON.stringify({ copy: this.#copy, ...next, cursor } as Kept), items);
  }
}
