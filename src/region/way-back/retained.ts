import { statfs } from 'node:fs/promises';
import { liveStores, type SourceSide } from '../source/source-side.ts';

/** What this side keeps for the peer that follows it, in all stores, and the room that is left; bytes. Or why it does not. */
export async function retained(
  side: SourceSide,
  dataFolder: string,
  { migration }: { migration: string },
): Promise<{ bytes: number; diskFreeBytes: number; givenUp: string | null }> {
  const { bavail, bsize } = await statfs(dataFolder);
  const record = side.records.find(migration, 'source');
  const stores = record ? await liveStores(side, record) : [];
  const kept = await Promise.all(stores.map(({ store }) => store.retained?.(record!.stream) ?? 0));
  return {
    bytes: kept.reduce((sum, bytes) => sum + bytes, 0),
    diskFreeBytes: bavail * bsize,
    givenUp: record?.givenUp ?? null,
  };
}
