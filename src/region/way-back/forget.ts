import { dropClaims } from '../../base/claim.ts';
import { forgetMigration, isLive, presentStores, refuseIfActive, type TargetSide } from '../target/target-side.ts';

/**
 * The end, on the passive side: it follows no more, stays sealed and goes on forwarding. What cannot be taken away fails,
 * so that nothing is left unsaid; where the app is gone, taken away by hand or with its host, there is nothing of it.
 * Idempotent.
 */
export async function forget(side: TargetSide, { app, migration }: { app: string; migration: string }): Promise<void> {
  refuseIfActive(side, app);
  const isHere = side.home.exists(app);
  const record = side.records.find(migration, 'target');
  if (record) {
    await side.jobs.stop(record.stream);
    for (const { name, store } of isHere ? await presentStores(side, record) : [])
      if (isLive(record, name)) await store.close(record.stream);
    await side.stores.close(record.stream);
    await side.endpoints.close(record.stream);
    forgetMigration(side, migration);
  }
  // The other side serves with its own again: what was lent from there is of no use here.
  for (const remote of isHere ? side.home.remotes(app) : [])
    if (remote.migration === migration) await side.home.dropRemote(app, remote.addon);
  side.records.delete(migration, 'source');
  if (isHere) dropClaims(side.home.epochs(app).file);
  await side.home.unlock(app, migration);
}
