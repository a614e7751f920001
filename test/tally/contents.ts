import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TallyPlace } from './place.ts';

/** The letters that an id's order is written in, as in the app (`test/apps/tally/stores.js`). */
export const storeNames = { p: 'PostgreSQL', m: 'MariaDB', r: 'Redis', f: 'the files' } as const;
export type Letter = keyof typeof storeNames;

/** How often each id is in each store. */
export type Contents = Record<Letter, Map<string, number>> & {
  /** What Redis counted in the same transactions. */
  total: number;
};

export async function readContents({ postgres, mariadb, redis, notes }: TallyPlace): Promise<Contents> {
  const count = 'SELECT id, count(*) AS times FROM tallied GROUP BY id';
  const rows = (found: { id: string; times: number | string }[]) =>
    new Map(found.map(({ id, times }) => [id, Number(times)]));
  const [p, [m], r, f] = await Promise.all([
    postgres.query<{ id: string; times: string }>(count),
    mariadb.query(count),
    readCounts(redis),
    readdir(notes),
  ]);
  const files = f.filter((name) => !name.endsWith('.part'));
  return {
    p: rows(p.rows),
    m: rows(m as { id: string; times: number }[]),
    ...r,
    f: new Map(files.map((name) => [name, 1])),
  };
}

/** In one transaction, so that the total is that of these counts. */
async function readCounts(redis: TallyPlace['redis']): Promise<{ r: Map<string, number>; total: number }> {
  const script = `local keys = redis.call('KEYS', 'count:*')
    local found = {redis.call('GET', 'total') or '0'}
    for _, key in ipairs(keys) do
      found[#found + 1] = key
      found[#found + 1] = redis.call('GET', key)
    end
    return found`;
  const [total, ...found] = (await redis.eval(script, 0)) as string[];
  const r = new Map<string, number>();
  for (let i = 0; i < found.length; i += 2) r.set(found[i]!.slice('count:'.length), Number(found[i + 1]));
  return { r, total: Number(total) };
}

/** Of these ids, the files whose content is not what was written. */
export async function changedFiles({ notes }: TallyPlace, ids: string[]): Promise<string[]> {
  const changed: string[] = [];
  for (let i = 0; i < ids.length; i += 100)
    await Promise.all(
      ids.slice(i, i + 100).map(async (id) => {
        const content = await readFile(join(notes, id), 'utf8').catch(() => null);
        if (content !== null && content !== id) changed.push(id);
      }),
    );
  return changed;
}
