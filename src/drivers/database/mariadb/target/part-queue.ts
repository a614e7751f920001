import type { Part } from './parts.ts';

interface Waiting<T> {
  table: T;
  parts: Part[];
  /** Sessions that are at it now. */
  busy: number;
}

/**
 * Hands out the parts of tables to sessions: of the table that the fewest are at, as sessions on one table wait for each
 * other here and there; among those of the first in the list.
 */
export class PartQueue<T> {
  readonly #tables: Waiting<T>[];

  constructor(tables: [table: T, parts: Part[]][]) {
    this.#tables = tables.map(([table, parts]) => ({ table, parts: [...parts], busy: 0 }));
  }

  /** Undefined when there is nothing more to begin. */
  next(): { table: T; part: Part; done: () => boolean } | undefined {
    const open = this.#tables.filter(({ parts }) => parts.length > 0);
    const chosen = open.reduce<Waiting<T> | undefined>(
      (best, one) => (best && best.busy <= one.busy ? best : one),
      undefined,
    );
    if (!chosen) return undefined;
    chosen.busy++;
    const part = chosen.parts.shift()!;
    /** Says whether that was the last of its table. */
    const done = () => --chosen.busy === 0 && chosen.parts.length === 0;
    return { table: chosen.table, part, done };
  }
}
