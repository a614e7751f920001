import type { Bookmark, VerifyResult } from '../store.ts';

interface Kept<Key> {
  /** Tables that are compared to their end. */
  past: string[];
  table: string | null;
  after: Key | null;
}

/** Where a comparison is, table by table and key by key. What was written before that place since comes by the stream. */
export class Place<Key> {
  readonly items: number;
  readonly #bookmark: Bookmark | undefined;
  readonly #begun: Kept<Key>;
  readonly #past: Set<string>;

  constructor(bookmark: Bookmark | undefined) {
    const kept = bookmark?.get();
    this.#bookmark = bookmark;
    this.items = kept?.items ?? 0;
    this.#begun = kept ? (JSON.parse(kept.at) as Kept<Key>) : { past: [], table: null, after: null };
    this.#past = new Set(this.#begun.past);
  }

  isPast(table: string): boolean {
    return this.#past.has(table);
  }

  /** The key up to which the table was compared. */
  in(table: string): Key | null {
    return this.#begun.table === table ? this.#begun.after : null;
  }

  /**
   * A range without an upper bound is the table's last. From the first difference on, or the first row that never stood
   * still, nothing is kept: it would not be looked at again.
   */
  reached(table: string, upTo: Key | null, { items, differences, unsettled = 0 }: VerifyResult): void {
    if (differences.length > 0 || unsettled > 0) return;
    if (upTo === null) this.#past.add(table);
    const at: Kept<Key> = { past: [...this.#past], table: upTo === null ? null : table, after: upTo };
    this.#bookmark?.set(JSON.stringify(at), items);
  }
}
