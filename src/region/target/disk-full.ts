import { statfs } from 'node:fs/promises';
import { StorkyError } from '../../protocol/errors.ts';
import type { StoreReport } from '../../protocol/migration.ts';
import { megabytes } from './check.ts';

/** With less than this no database can write the next piece of its log. Bytes. */
const leastBytes = 16 * 1024 * 1024;

/**
 * On a full disk everything fails in words of its own, as a connection that broke for example. This says what is the
 * matter: `not_enough_disk` where what is still to come does not fit, else the error as it is.
 */
export async function sayingIfFull(
  error: unknown,
  { region, dataFolder }: { region: string; dataFolder: string },
  progress: StoreReport['progress'],
): Promise<unknown> {
  const { bavail, bsize } = await statfs(dataFolder);
  const free = bavail * bsize;
  const known = progress?.unit === 'bytes' && progress.total !== null;
  const needed = Math.max(leastBytes, known ? progress.total! - progress.done : 0);
  if (free >= needed) return error;
  return new StorkyError(
    'not_enough_disk',
    { region, free: megabytes(free), needed: `${megabytes(needed)} more` },
    { cause: error },
  );
}
