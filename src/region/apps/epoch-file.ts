import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { EpochRecord } from '../../protocol/gate.ts';

/** A file of its own, since the router reads it too (invariant 5). */
export function readEpoch(path: string): EpochRecord {
  const parsed = EpochRecord.safeParse(readJson(path));
  if (parsed.success) return parsed.data;
  // No guess here: a wrong one gives the app two writers (invariant 1).
  throw new StorkyError('internal', {
    detail: `${path} is missing or damaged; nobody knows whether this region serves`,
  });
}

/**
 * Invariant 1. Synchronous and fsynced: when this returns the word is durable, and nothing else ran in between. An epoch
 * never goes back, and within one epoch the role never changes.
 */
export function recordEpoch(path: string, record: EpochRecord): void {
  const known = EpochRecord.safeParse(readJson(path));
  if (known.success) {
    const { epoch, role } = known.data;
    if (record.epoch < epoch || (record.epoch === epoch && record.role !== role))
      throw new StorkyError('internal', {
        detail: `${record.role}(${record.epoch}) cannot follow ${role}(${epoch}) in ${path}`,
      });
  }
  writeJsonAtomic(path, EpochRecord.parse(record), 0o644);
}
