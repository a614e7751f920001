import type { Bookmark } from '../../drivers/store.ts';
import type { MigrationRecords } from '../migrations/records.ts';

const writeEveryMs = 1_000;

/**
 * How far one store's comparison has come: kept in the migration's document, so that one that is cut short, by the death of
 * either agent too, goes on from there. It belongs to one copy: with another ticket everything is compared.
 */
export function bookmarkOf(records: MigrationRecords, migration: string, store: string): Bookmark {
  let writtenAt = Number.NEGATIVE_INFINITY;
  const known = () => records.find(migration, 'target')?.stores[store];
  return {
    get() {
      const { ticket, compared } = known() ?? {};
      return compared && compared.ticket === ticket ? compared : null;
    },
    set(at, items) {
      const now = performance.now();
      if (now - writtenAt < writeEveryMs) return;
      writtenAt = now;
      records.change(migration, 'target', (draft) => {
        const kept = draft.stores[store];
        if (kept) kept.compared = { ticket: kept.ticket, at, items };
      });
    },
    clear() {
      if (!known()?.compared) return;
      records.change(migration, 'target', (draft) => {
        delete draft.stores[store]!.compared;
      });
    },
  };
}
