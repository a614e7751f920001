import { failpoint } from '../../base/failpoint.ts';
import { log } from '../../base/log.ts';
import type { Bookmark } from '../../drivers/store.ts';
import type { MigrationRecords } from '../migrations/records.ts';

const writeEveryMs = 1_000;
/** What was found equal longer ago does not speak for a comparison that is asked for now. */
const validMs = 3_600_000;

/**
 * How far one store's comparison has come: kept in the migration's document, so that one that is cut short, by the death of
 * either agent too, goes on from there. It belongs to one copy: with another ticket everything is compared. An engine
 * that may copy anew under one ticket says in its bookmark which copy it means.
 */
export function bookmarkOf(records: MigrationRecords, migration: string, store: string): Bookmark {
  let toldAt = Number.NEGATIVE_INFINITY;
  const known = () => records.find(migration, 'target')?.stores[store];
  return {
    get() {
      toldAt = Number.NEGATIVE_INFINITY;
      const { ticket, compared } = known() ?? {};
      const valid = compared && compared.ticket === ticket && Date.now() - compared.writtenAt < validMs;
      if (!valid) return null;
      log.info({ store, items: compared.items }, 'a comparison goes on where it was cut short');
      return compared;
    },
    set(at, items) {
      const now = performance.now();
      if (now - toldAt < writeEveryMs) return;
      toldAt = now;
      try {
        records.change(migration, 'target', (draft) => {
          const kept = draft.stores[store];
          if (kept) kept.compared = { ticket: kept.ticket, at, items, writtenAt: Date.now() };
        });
      } catch (error) {
        log.warn({ store, detail: String(error) }, 'how far a comparison has come could not be written down');
      }
      failpoint('target.compared');
    },
    clear() {
      if (!known()?.compared) return;
      records.change(migration, 'target', (draft) => {
        delete draft.stores[store]!.compared;
      });
    },
  };
}
