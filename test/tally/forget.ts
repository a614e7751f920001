import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlace } from './place.ts';

const some = 500;

/**
 * Deletes what was found to be everywhere, as the app would do, so that a long run does not grow for ever. Gives the ids that
 * it deleted: not those whose job is still to be done. Nobody may read them meanwhile.
 */
export async function forgetIds(ids: readonly string[], regionFolder: string): Promise<string[]> {
  await using place = await openPlace(regionFolder);
  const { postgres, mariadb, redis, notes } = place;
  const forgotten: string[] = [];
  for (let i = 0; i < ids.length; i += some) {
    const asked = ids.slice(i, i + some);
    const times = await redis.mget(asked.map((id) => `done:${id}`));
    const gone = asked.filter((_, n) => times[n] !== null);
    if (gone.length === 0) continue;
    await postgres.query('DELETE FROM tallied WHERE id = ANY($1)', [gone]);
    await mariadb.query('DELETE FROM tallied WHERE id IN (?)', [gone]);
    const keys = gone.flatMap((id) => [`count:${id}`, `done:${id}`]);
    await redis.multi().del(keys).decrby('total', gone.length).exec();
    await Promise.all(gone.map((id) => rm(join(notes, id))));
    forgotten.push(...gone);
  }
  return forgotten;
}
