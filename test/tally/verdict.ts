import { waitFor } from '../support/wait-for.ts';
import { type Contents, changedFiles, type Letter, readContents, storeNames } from './contents.ts';
import { openPlace, type TallyPlace } from './place.ts';

export interface TallyVerdict {
  ok: boolean;
  acknowledged: number;
  /** Acknowledged, and not in every store of its order as it was written; or its job was not done. */
  lost: string[];
  /** Of anybody, more than once. */
  duplicated: string[];
  /** Effects without their cause: a cut through the stores that was not one. */
  orphans: string[];
  /** Ids, the background's too, that are in every store. */
  complete: number;
  /** Of these, the background's. */
  background: string[];
}

export interface Ask {
  /** After the last request: jobs are done then. */
  final?: boolean;
  /** Deleted earlier: what is there of them again came twice. */
  forgotten?: ReadonlySet<string>;
}

/** Compares what was acknowledged until now with the stores of the region that serves; writers may go on meanwhile. */
export async function judgeTally(
  acknowledged: readonly string[],
  regionFolder: string,
  { final = false, forgotten = new Set() }: Ask = {},
): Promise<TallyVerdict> {
  const ids = [...acknowledged];
  await using place = await openPlace(regionFolder);
  if (final) await jobsDone(place);
  // An effect that the first look sees had its cause before it, which the second look must see: chains may go on between.
  const [earlier, later] = [await readContents(place), await readContents(place)];
  const lost = [...missing(ids, later), ...(await changedFiles(place, ids)).map((id) => `${id}: another content`)];
  if (final) lost.push(...(await undone(place, ids)));
  const again = [...idsIn(later)].filter((id) => forgotten.has(id)).map((id) => `${id}: deleted, and there again`);
  const duplicated = [...twice(later), ...(await doneTwice(place, ids)), ...again];
  const orphans = [...withoutCause(earlier, later)];
  const complete = [...idsIn(later)].filter((id) => orderOf(id).every((letter) => later[letter].has(id)));
  return {
    ok: [lost, duplicated, orphans].every((list) => list.length === 0),
    acknowledged: ids.length,
    lost,
    duplicated,
    orphans,
    complete: complete.length,
    background: complete.filter((id) => id.startsWith('b') && orderOf(id).length === letters.length),
  };
}

const orderOf = (id: string): Letter[] => [...id.split('-').at(-1)!] as Letter[];
const letters = Object.keys(storeNames) as Letter[];
const idsIn = (contents: Contents): Set<string> => new Set(letters.flatMap((letter) => [...contents[letter].keys()]));

function* missing(ids: string[], contents: Contents): Generator<string> {
  for (const id of ids) {
    const without = orderOf(id).filter((letter) => !contents[letter].has(id));
    if (without.length > 0) yield `${id}: not in ${without.map((letter) => storeNames[letter]).join(', ')}`;
  }
}

function* twice(contents: Contents): Generator<string> {
  for (const letter of letters)
    for (const [id, times] of contents[letter]) if (times !== 1) yield `${id}: ${times} times in ${storeNames[letter]}`;
  const counted = [...contents.r.values()].reduce((sum, times) => sum + times, 0);
  if (counted !== contents.total) yield `Redis has a total of ${contents.total} for ${counted} counts`;
}

function* withoutCause(earlier: Contents, later: Contents): Generator<string> {
  for (const id of idsIn(earlier))
    for (const [i, letter] of orderOf(id).entries()) {
      const cause = orderOf(id)[i - 1];
      if (cause && earlier[letter].has(id) && !later[cause].has(id))
        yield `${id}: in ${storeNames[letter]}, its cause not in ${storeNames[cause]}`;
    }
}

/** The background makes jobs for ever: those that are waiting now are waited for. */
async function jobsDone({ redis }: TallyPlace): Promise<void> {
  const waiting = new Set([...(await redis.lrange('jobs', 0, -1)), ...(await redis.lrange('taken', 0, -1))]);
  const none = async () =>
    [...(await redis.lrange('jobs', 0, -1)), ...(await redis.lrange('taken', 0, -1))].every((id) => !waiting.has(id));
  await waitFor(none, { timeout: 30_000, what: 'the worker to do its jobs' });
}

const done = async ({ redis }: TallyPlace, ids: string[]): Promise<(string | null)[]> =>
  ids.length === 0 ? [] : await redis.mget(ids.map((id) => `done:${id}`));

async function undone(place: TallyPlace, ids: string[]): Promise<string[]> {
  const withJobs = ids.filter((id) => orderOf(id).includes('r'));
  const times = await done(place, withJobs);
  return withJobs.filter((_, i) => times[i] === null).map((id) => `${id}: its job was not done`);
}

async function doneTwice(place: TallyPlace, ids: string[]): Promise<string[]> {
  const times = await done(place, ids);
  return ids.filter((_, i) => Number(times[i]) > 1).map((id) => `${id}: its job was done more than once`);
}
