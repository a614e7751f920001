import { log } from '../../base/log.ts';
import type { MigrationRecords } from '../migrations/records.ts';
import { isWayBack } from '../migrations/stream.ts';
import { close } from '../source/source-service.ts';
import type { SourceSide } from '../source/source-side.ts';
import { retained } from './retained.ts';

/** A log of a busy app grows by some gigabytes in a minute at most. */
const lookEveryMs = 10_000;

/**
 * The app comes before its way back: when what is kept for a side that does not follow has outgrown the room that is left on
 * the disk, it is given up, and said so, before the disk is full.
 */
export function watchDisk(side: SourceSide, dataFolder: string): Disposable {
  const look = () =>
    giveUpWhatFillsTheDisk(side, dataFolder).catch((error) => log.warn({ detail: String(error) }, 'not looked at'));
  const timer = setInterval(() => void look(), lookEveryMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

export async function giveUpWhatFillsTheDisk(side: SourceSide, dataFolder: string): Promise<void> {
  for (const { app, migration, givenUp, ...record } of side.records.all('source')) {
    if (givenUp || !isWayBack({ migration, ...record }) || side.home.epochs(app).read().role !== 'active') continue;
    const { bytes, diskFreeBytes } = await retained(side, dataFolder, { migration });
    if (bytes <= diskFreeBytes) continue;
    await close(side, { migration });
    const reason = `${gigabytes(bytes)} were kept for it, and ${gigabytes(diskFreeBytes)} were free: the disk of ${side.region} would have been full`;
    log.error({ app, migration }, `the way back is given up: ${reason}`);
    remember(side.records, migration, reason);
  }
}

function remember(records: MigrationRecords, migration: string, reason: string): void {
  records.change(migration, 'source', (draft) => {
    draft.givenUp = reason;
  });
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;
