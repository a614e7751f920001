import { expect, it } from 'vitest';
import { failureOf, Moves } from '../tally/moves.ts';
import { canRunTally } from '../tally/prepare.ts';
import { judgeTally } from '../tally/verdict.ts';
import { fragileLinkTo } from './stage/fragile-link.ts';
import { Stage } from './stage/stage.ts';
import { closeTheTally, openTally, redisOf, visitTally } from './stage/tally.ts';

/** So long that what the stores need to cross is most of the freeze, on a busy machine too. Milliseconds. */
const roundTripMs = 600;

it.skipIf(!canRunTally())(
  'PostgreSQL, MariaDB, Redis and files move in one cut: no effect without its cause, a freeze as of one store',
  async () => {
    const links = { west: await fragileLinkTo('west'), east: await fragileLinkTo('east') };
    const stage = await Stage.set({ region: (name) => links[name as keyof typeof links].region(name) });
    await openTally(stage, stage.west);
    const tallying = visitTally(stage.west);
    await tallying.reached(100);

    const moves = new Moves(stage.api);
    const { id } = await moves.create('west', 'east');
    const followed = await moves.through(id, 'prepare', 'data');
    expect(followed.status, failureOf(followed, 'data')).toBe('data-migrated');
    await tallying.reached(tallying.acknowledged.length + 100);
    const finalized = moves.run(id, 'finalize');
    await moves.whenStep(id, 'finalize.build-way-back', 'done');
    for (const { link } of Object.values(links)) link.setDelay(roundTripMs / 2);
    await moves.whenStep(id, 'finalize.switch', 'done');
    for (const { link } of Object.values(links)) link.setDelay(0);
    const done = await finalized;
    expect(done.status, failureOf(done, 'finalize')).toBe('done');

    const [first] = done.report.switches;
    expect(first).toMatchObject({ outcome: 'switched', refused: 0 });
    expect(Object.keys(first!.stores).sort()).toEqual(['journal', 'ledger', 'notes', 'queue']);
    // Each store's marker crosses the link, and its proof comes back: one round trip for all of them, not one for each.
    const { timings, freezeMs } = first!;
    const crossing = timings.applied! - timings.fenced!;
    expect(crossing, JSON.stringify(first)).toBeGreaterThanOrEqual(roundTripMs);
    expect(crossing, JSON.stringify(first)).toBeLessThan(2.5 * roundTripMs);
    expect(freezeMs, JSON.stringify(first)).toBeLessThan(4 * roundTripMs);

    // Already at once, in the middle of the background's chains; and again in the end.
    expect(await judgeTally(tallying.acknowledged, stage.east.folder)).toMatchObject({
      ok: true,
      lost: [],
      orphans: [],
    });
    await tallying.reached(tallying.acknowledged.length + 50);
    await closeTheTally(tallying, stage.east);
    expect(tallying.servedBy.east).toBeGreaterThan(0);
    // The old one refuses whoever comes.
    await expect(redisOf(stage.west).set('stray', 'write')).rejects.toThrow();
  },
);
