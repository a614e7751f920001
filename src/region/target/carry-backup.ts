import type { Readable } from 'node:stream';
import type { TargetStore } from '../../drivers/store.ts';
import type { CarryOrder } from './carry-live.ts';

/** The source stands still: its dump is restored here, streamed, and kept nowhere in between. */
export async function carryBackup(
  store: TargetStore,
  openDump: () => Promise<Readable>,
  report: CarryOrder['report'],
  signal: AbortSignal,
): Promise<void> {
  report({ stage: 'copying', progress: null });
  await store.restore(
    await openDump(),
    (progress) => report({ progress, bytesCopied: progress.unit === 'bytes' ? progress.done : 0 }),
    signal,
  );
  report({ stage: 'in-sync', progress: null, detail: 'restored from a backup of the stopped source' });
}
