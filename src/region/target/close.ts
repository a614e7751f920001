import { log } from '../../base/log.ts';
import type { Moving } from './creating.ts';
import { forgetMigration, presentStores, type TargetSide } from './target-side.ts';

/** Removes what following made on this side; the data stays. After a switch it ends the migration here. Idempotent. */
export async function closeTarget(side: TargetSide, { app, migration }: Moving): Promise<void> {
  const record = side.records.find(migration, 'target');
  if (!record) return;
  const { stream } = record;
  await side.jobs.stop(stream);
  const passive = side.home.epochs(app).read().role === 'passive';
  for (const { name, store } of await presentStores(side, record))
    await store.close(stream).catch((error: unknown) => {
      if (!passive) throw error;
      // A copy of which this is left is about to be removed as a whole. Its server may have ended with the disk full.
      log.warn({ store: name, detail: String(error) }, 'what following made stays until the copy is removed');
    });
  await side.stores.close(stream);
  await side.endpoints.close(stream);
  if (passive) return;
  side.offers.delete(app, migration);
  forgetMigration(side, migration);
  await side.home.unlock(app, migration);
}
