import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TargetStore } from '../../store.ts';
import { Pair, type Side } from './pair.ts';
import { never } from './rig.ts';
import type { Items, Subject } from './subject.ts';
import { Writers } from './writers.ts';

const slow = 120_000;

/**
 * Invariants 6 and 7, whatever the engine: the side that was left follows the one that serves, until a switch the other
 * way, which loses nothing either. Again and again. The tests are one story: each goes on where the one before stopped.
 */
export function goesBackAndForth(subject: Subject, missing: boolean): void {
  describe.skipIf(missing)(`${subject.engine.engine} goes back and forth`, () => story(subject));
}

function story(subject: Subject): void {
  const pair = new Pair(subject);
  /** All that was ever acknowledged to a writer; a later value takes the place of an earlier one. */
  const ledger = new Map<number, string>();
  let nextId = 1_000;
  let turn: string | null = null;

  beforeAll(() => pair.begin(), slow);
  afterAll(() => pair.dispose(), slow);

  const writersOn = async (side: Side) => {
    const writers = new Writers([await pair.items(side), await pair.items(side)], nextId);
    nextId += 1_000;
    return writers;
  };
  const end = async (writers: Writers) => {
    await writers.ended();
    expect(writers.failures).toEqual([]);
    for (const [id, value] of writers.acknowledged) ledger.set(id, value);
  };
  const note = async (items: Items, id: number, value: string) => {
    await items.write(id, value);
    ledger.set(id, value);
  };
  /** Equal by what the engine compares, by what an app reads, and by the ledger. */
  const holdsAll = async (side: Side) => {
    const items = await pair.items(side);
    for (const [id, value] of ledger) expect([id, await items.read(id)]).toEqual([id, value]);
  };
  /** One switch with writers on both sides of it; `first` says what comes first after it. */
  const switchOver = async (first: 'tidy' | 'begin') => {
    const before = await writersOn(pair.serving);
    await before.reached(20);
    await pair.prepareWayBack();
    await pair.makeReady();
    const turn = await pair.freeze(() => before.stop());
    const done = await pair.decide();
    // Writing begins at once: what is written before the way back begins belongs to it too.
    const after = await writersOn(pair.serving);
    await after.reached(20);
    await before.ended();
    for (const [id, value] of before.acknowledged) ledger.set(id, value);
    if (first === 'tidy') await pair.tidy(done);
    await pair.beginWayBack(turn);
    await pair.follow();
    await after.reached(after.acknowledged.size + 20);
    if (first === 'begin') await pair.tidy(done);
    await end(after);
    return turn;
  };

  it(
    'proves the way back while the old side serves, and leaves nothing of the proof',
    async () => {
      const writers = await writersOn(pair.serving);
      await writers.reached(10);
      await pair.prepareWayBack();
      const { ticket } = pair.back!;
      await pair.prepareWayBack();
      expect(pair.back!.ticket).toEqual(ticket);
      await end(writers);
      await pair.makeReady();
      expect(await pair.differences()).toEqual([]);
      await expect((await pair.items(pair.copy)).write(30, 'too early')).rejects.toThrow();
    },
    slow,
  );

  it(
    'is not proven where there is no such stream; given up, it is prepared anew',
    async () => {
      const { id, ticket } = pair.back!;
      await pair.copy.source.close(id);
      await pair.copy.source.close(id);
      await expect(pair.serving.wayBack.prove(id, ticket, pair.copy.endpoint, never)).rejects.toThrow();
      await note(await pair.items(pair.serving), 1, 'serves and is followed as before');
      await pair.prepareWayBack();
      await pair.makeReady();
      expect(await pair.differences()).toEqual([]);
    },
    slow,
  );

  it(
    'goes on serving when the switch backs out, prepared as it was',
    async () => {
      const writers = await writersOn(pair.serving);
      await writers.reached(10);
      await pair.makeReady();
      await pair.freeze();
      await pair.serving.source.unfence();
      await writers.reached(writers.acknowledged.size + 10);
      await end(writers);
      await pair.prepareWayBack();
      await pair.makeReady();
      expect(await pair.differences()).toEqual([]);
    },
    slow,
  );

  it(
    'has on the old side, which stays sealed, all that is written on the new one',
    async () => {
      await note(await pair.items(pair.serving), 2, 'written before the switch');
      const since = Date.now();
      turn = await switchOver('tidy');
      await note(await pair.items(pair.serving), 2, 'written after the switch');
      await pair.copy.target.strays?.(since); // an engine that only counts begins to count here
      await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      if (pair.copy.target.strays) await told(pair.copy.target, since);
      await pair.copy.target.healthy();
      await caughtUp(pair);
      expect(await pair.copy.target.lag()).toEqual({ bytes: expect.any(Number), ms: expect.any(Number) });
      expect(await pair.differences()).toEqual([]);
      await holdsAll(pair.serving);
      await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      expect((await pair.serving.source.open(pair.stream.id)).fresh).toBe(false);
      if (pair.serving.source.retained)
        expect(await pair.serving.source.retained(pair.stream.id)).toBeGreaterThanOrEqual(0);
    },
    slow,
  );

  it(
    'goes on where it was after a cut, after either side stopped, and after both agents did',
    async () => {
      const writers = await writersOn(pair.serving);
      await writers.reached(10);
      pair.cut();
      await writers.reached(writers.acknowledged.size + 10);
      await end(writers);
      for (const side of [pair.copy, pair.serving]) {
        await subject.engine.stop(side.instance);
        await subject.engine.start(side.instance);
        await note(
          await pair.items(pair.serving),
          3,
          `after ${side === pair.copy ? 'the copy' : 'the serving'} stopped`,
        );
        await pair.forget(side);
        await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      }
      await pair.forget(pair.copy);
      // Begun again, from where it once began: nothing is lost or applied twice.
      await pair.beginWayBack(turn);
      await pair.follow();
      await caughtUp(pair);
      expect(await pair.differences()).toEqual([]);
      await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
    },
    slow,
  );

  it(
    'finds a planted difference on the old side',
    async () => {
      await subject.corrupt(pair.copy.instance, 20, 'rotten');
      expect(await pair.differences()).toHaveLength(1);
      await note(await pair.items(pair.serving), 20, 'mended');
      await caughtUp(pair);
      expect(await pair.differences()).toEqual([]);
    },
    slow,
  );

  it(
    'lets readers in on the old side before it is switched to, and no writers',
    async () => {
      await pair.copy.target.standby();
      const readers = await pair.items(pair.copy);
      expect(await readers.read(20)).toBe('mended');
      await expect(readers.write(20, 'too early')).rejects.toThrow();
      await note(await pair.items(pair.serving), 21, 'in standby it still follows');
      await caughtUp(pair);
      expect(await readers.read(21)).toBe('in standby it still follows');
    },
    slow,
  );

  for (const [round, first] of (['begin', 'tidy', 'begin'] as const).entries())
    it(
      `switches again, for the ${['second', 'third', 'fourth'][round]} time, and nothing is lost`,
      async () => {
        await pair.copy.target.standby();
        await switchOver(first);
        await caughtUp(pair);
        expect(await pair.differences()).toEqual([]);
        await holdsAll(pair.serving);
        await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      },
      slow,
    );

  it(
    'comes to its end, though the other side is away, and the old side stays shut',
    async () => {
      await pair.copy.target.standby();
      await holdsAll(pair.copy);
      await subject.engine.stop(pair.serving.instance);
      await pair.copy.target.close(pair.stream.id);
      await subject.engine.start(pair.serving.instance);
      await pair.serving.source.close(pair.stream.id);
      await pair.serving.source.close(pair.stream.id);
      await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      await subject.engine.stop(pair.copy.instance);
      await subject.engine.start(pair.copy.instance);
      await expect(strayWrite(pair, pair.copy)).rejects.toThrow();
      await note(await pair.items(pair.serving), 4, 'after the end');
      await holdsAll(pair.serving);
    },
    slow,
  );
}

/** Without a wait, what the suite asks for would depend on chance. */
async function caughtUp(pair: Pair): Promise<void> {
  await pair.copy.target.rehearse(pair.stream.id, pair.serving.endpoint, never);
}

/** A server's log may be a moment behind. */
async function told(target: TargetStore, since: number): Promise<void> {
  const stray = { who: expect.any(String), count: 1, lastAt: expect.any(String) };
  await expect.poll(() => target.strays!(since), { timeout: 5_000 }).toEqual([expect.objectContaining(stray)]);
  expect(await target.strays!(Date.now() + 60_000).then((later) => later.filter(({ from }) => from))).toEqual([]);
}

/** As the app, on a side that may not be written to; it may not even be let in. */
async function strayWrite(pair: Pair, side: Side): Promise<void> {
  const items = await pair.items(side);
  await items.write(22, 'a stray write');
}
