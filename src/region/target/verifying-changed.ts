import { StorkyError } from '../../protocol/errors.ts';
import { storeOf } from '../stores.ts';
import type { Moving } from './creating.ts';
import { isLive, type TargetSide } from './target-side.ts';

const patienceMs = 3_600_000;

/** Before a switch, where only what has changed since it was proven is compared. @throws StorkyError verification_failed */
export async function verifyChanged(
  side: TargetSide,
  { app, migration, store: name }: Moving & { store: string },
): Promise<{ items: number }> {
  const record = side.records.get(migration, 'target');
  const store = isLive(record, name) ? await side.stores.get(app, record.stream, name) : undefined;
  if (!store?.verifyChanged) return { items: 0 };
  const endpoint = await side.endpoints.get(record, name, storeOf(side.home, app, name).kind);
  const signal = AbortSignal.timeout(patienceMs);
  const { items, differences } = await store.verifyChanged(record.stream, endpoint, () => {}, signal);
  if (differences.length > 0)
    throw new StorkyError('verification_failed', { store: name, detail: differences.slice(0, 5).join('; ') });
  return { items };
}
