import type { VerifyResult } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { storeOf } from '../stores.ts';
import type { Moving } from './creating.ts';
import { isLive, type TargetSide } from './target-side.ts';
import { comparisonEnded } from './verifying.ts';

type Wanted = Moving & { store: string };

const patienceMs = 3_600_000;
const nothing: VerifyResult = { items: 0, differences: [] };

/**
 * Before a switch, where only what has changed since it was proven is compared. A job: whoever takes the copy away ends it.
 * @throws StorkyError verification_failed, link_lost where it was ended
 */
export async function verifyChanged(side: TargetSide, wanted: Wanted): Promise<{ items: number }> {
  const { migration, store: name } = wanted;
  const { stream } = side.records.get(migration, 'target');
  const { items, differences } = await side.jobs.run(`${stream}/${name}/verify-changed`, (signal) =>
    compare(side, wanted, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])).catch((error: unknown) => {
      throw signal.aborted ? comparisonEnded(side, wanted) : error;
    }),
  );
  if (differences.length > 0)
    throw new StorkyError('verification_failed', { store: name, detail: differences.slice(0, 5).join('; ') });
  return { items };
}

async function compare(
  side: TargetSide,
  { app, migration, store: name }: Wanted,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const record = side.records.get(migration, 'target');
  if (!isLive(record, name)) return nothing;
  const store = await side.stores.get(app, record.stream, name);
  if (!store.verifyChanged) return nothing;
  const endpoint = await side.endpoints.get(record, name, storeOf(side.home, app, name).kind);
  signal.throwIfAborted();
  return await store.verifyChanged(record.stream, endpoint, () => {}, signal);
}
