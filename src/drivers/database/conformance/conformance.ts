import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goesBackAndForth } from './back-and-forth.ts';
import { never, Rig, soon } from './rig.ts';
import type { Items, Subject } from './subject.ts';
import { Writers, waits } from './writers.ts';

/**
 * What the switch relies on, whatever the engine: one move from the empty target to the old side's end, and then, with a
 * pair of its own, switches back and forth. An engine that does not pass is not merged. The tests are one story: each goes
 * on where the one before stopped. What cannot follow, such as a database that Storky does not run, goes there and not back.
 */
export async function conforms(subject: Subject, { thereAndBack = true } = {}): Promise<void> {
  const { engine } = subject;
  const missing = (await engine.versions()).length === 0;
  if (missing && process.env.CI === 'true') throw new Error(`${engine.engine} is not installed`);
  if (missing) console.warn(`SKIPPED: ${engine.engine} is not installed; its conformance is not tested`);
  describe.skipIf(missing)(`${engine.engine} conforms`, () => story(subject));
  if (thereAndBack) goesBackAndForth(subject, missing);
}

function story(subject: Subject): void {
  const { engine } = subject;
  const rig = new Rig(subject);
  let app: Items;
  let copy: Items;

  beforeAll(async () => {
    [rig.here, rig.there] = await Promise.all([rig.provision('here'), rig.provision('there')]);
    await subject.prepare(rig.here);
    app = await rig.items(rig.here);
    rig.source = engine.source(rig.here);
    rig.target = engine.target(rig.there);
    rig.from = await rig.way();
  }, 120_000);
  afterAll(() => rig.dispose());

  it('is provisioned once, however often it is asked for, and goes on after a stop', async () => {
    await app.write(1, 'one');
    expect(await rig.provision('here')).toEqual(rig.here);
    expect(await engine.running(rig.here)).toBe(true);
    await app.close();
    await engine.stop(rig.here);
    expect(await engine.running(rig.here)).toBe(false);
    expect(await rig.provision('here')).toEqual(rig.here);
    await engine.start(rig.here);
    app = await rig.items(rig.here);
    expect(await app.read(1)).toBe('one');
    expect(engine.environment(rig.here)).toMatchObject({ url: expect.any(String), host: rig.here.host });
    expect(engine.plans().map(({ name }) => name)).toContain('starter-512');
  }, 120_000);

  it('says what it needs and how large it is', async () => {
    expect((await rig.source.check()).filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(await rig.source.measure()).toMatchObject({ items: expect.any(Number), bytes: expect.any(Number) });
    expect(await rig.source.fingerprint()).toBe(await rig.source.fingerprint());
  });

  it('copies what is there and follows what is written then', async () => {
    for (let id = 2; id <= 60; id++) await app.write(id, `before ${id}`);
    const { ticket, fresh } = await rig.source.open(rig.migration);
    expect(fresh).toBe(true);
    rig.ticket = JSON.parse(JSON.stringify(ticket));
    await app.write(61, 'after the ticket');
    await rig.target.copy(rig.migration, rig.ticket, rig.from, () => {}, never);
    expect(await rig.source.open(rig.migration)).toMatchObject({ fresh: false });
    await rig.target.standby();
    await rig.follow();
    await rig.target.healthy();
    await app.write(2, 'changed while it is followed');
    await app.write(62, 'new while it is followed');
    await rig.makeReady();
    expect(await rig.target.lag()).toEqual({ bytes: expect.any(Number), ms: expect.any(Number) });
    copy = await rig.items(rig.there);
    expect(await copy.ids()).toEqual(await app.ids());
    expect([await copy.read(2), await copy.read(61)]).toEqual(['changed while it is followed', 'after the ticket']);
  }, 120_000);

  it('finds a planted difference, and none where there is none, while everything is being written', async () => {
    const writers = new Writers([await rig.items(rig.here), await rig.items(rig.here)], 1_000);
    await writers.reached(20);
    expect(await rig.differences()).toEqual([]);
    await subject.corrupt(rig.there, 30, 'rotten');
    expect(await rig.differences()).toHaveLength(1);
    await app.write(30, 'mended');
    expect(await rig.differences()).toEqual([]);
    await writers.ended();
    expect(writers.failures).toEqual([]);
  }, 120_000);

  it('refuses writers on the copy, which may be read', async () => {
    await rig.target.standby();
    await expect(copy.write(30, 'too early')).rejects.toThrow();
    expect(await copy.read(30)).toBe('mended');
  });

  it('lets nobody write while it is fenced, and nobody notice when the switch backs out', async () => {
    const writers = new Writers([await rig.items(rig.here), await rig.items(rig.here)], 10_000);
    await writers.reached(20);
    for (let round = 1; round <= 3; round++) {
      await rig.makeReady();
      const attempt = rig.await(round);
      await rig.source.fence(soon());
      const late = app.write(63, `while it was fenced, round ${round}`);
      expect(await waits(late)).toBe(true);
      // By now the answers to what was written before the fence have arrived.
      const known = writers.acknowledged.size;
      await attempt.mark();
      await attempt.applied;
      expect(writers.acknowledged.size).toBe(known);
      for (const [id, value] of [...writers.acknowledged].slice(-20)) expect(await copy.read(id)).toBe(value);
      await rig.source.unfence();
      await late;
    }
    await rig.source.unfence();
    await writers.ended();
    expect(writers.failures).toEqual([]);
    expect(await rig.differences()).toEqual([]);
  }, 120_000);

  it('does not take the marker of an attempt that was backed out for the next one', async () => {
    await rig.makeReady();
    const { applied } = rig.await(1, soon(300));
    await expect(applied).rejects.toMatchObject({ code: 'timeout' });
    const cancelled = rig.await(1, { at: performance.now() + 10_000, signal: AbortSignal.abort() });
    await expect(cancelled.applied).rejects.toThrow();
  });

  it('gives back what was fenced by a process that died', async () => {
    await rig.makeReady();
    await rig.source.fence(soon());
    await rig.source[Symbol.asyncDispose]();
    rig.source = engine.source(rig.here);
    await rig.source.unfence();
    await app.write(64, 'after the crash');
    await rig.makeReady();
  }, 60_000);

  it('has every acknowledged write on the new side when it is opened, and takes none on the old one', async () => {
    const writers = new Writers([await rig.items(rig.here), await rig.items(rig.here)], 20_000);
    await writers.reached(20);
    await rig.makeReady();
    const attempt = rig.await(4);
    await rig.source.fence(soon());
    writers.stop();
    await attempt.mark();
    await attempt.applied;
    await rig.source.seal();
    // Told again before it has answered, over another connection, it is opened once.
    await Promise.all([rig.target.activate(4), rig.target.activate(4)]);
    await rig.target.activate(4);
    await rig.target.standby();
    await copy.write(65, 'on the new side');
    await writers.ended();
    for (const [id, value] of writers.acknowledged) expect(await copy.read(id)).toBe(value);
    await expect(refusal(rig, 66)).resolves.toBeInstanceOf(Error);
  }, 60_000);

  it('keeps the seal through a crash of both, and the end of the migration', async () => {
    await rig.source[Symbol.asyncDispose]();
    await engine.stop(rig.here);
    await engine.start(rig.here);
    rig.source = engine.source(rig.here);
    expect(await refusal(rig, 67)).toBeInstanceOf(Error);
    await rig.target.close(rig.migration);
    await rig.source.close(rig.migration);
    expect(await refusal(rig, 68)).toBeInstanceOf(Error);
    expect(await copy.read(65)).toBe('on the new side');
    await copy.write(69, 'after the end');
  }, 120_000);

  it('is opened again by unfence, and by close nothing is left, however often they are asked', async () => {
    await rig.source.unfence();
    await rig.source.unfence();
    app = await rig.items(rig.here);
    await app.write(70, 'serves again');
    await rig.source.close(rig.migration);
    await rig.target.close(rig.migration);
    expect(await app.read(66)).toBeUndefined();
    const { fresh } = await rig.source.open(rig.migration);
    expect(fresh).toBe(true);
    await rig.source.close(rig.migration);
  }, 60_000);

  it.skipIf(!engine.capabilities.backup)(
    'comes whole out of a backup',
    async () => {
      const third = await rig.provision('third');
      const restored = engine.target(third);
      await restored.restore(await rig.source.backup(), () => {}, never);
      await restored.standby();
      const items = await rig.items(third);
      await expect(items.write(70, 'too early')).rejects.toThrow();
      await restored.activate(1);
      await restored[Symbol.asyncDispose]();
      expect(await items.ids()).toEqual(await app.ids());
      await items.write(71, 'in the restored one');
    },
    120_000,
  );

  it('leaves nothing when it is destroyed', async () => {
    await rig.source[Symbol.asyncDispose]();
    await rig.target[Symbol.asyncDispose]();
    await engine.destroy(rig.here);
    expect(await engine.running(rig.here)).toBe(false);
    expect(existsSync(rig.here.folder)).toBe(false);
    await engine.destroy(rig.here);
  }, 60_000);
}

/** What a writer on the old side is told, whether it may connect or not. */
async function refusal(rig: Rig, id: number): Promise<unknown> {
  try {
    const items = await rig.items(rig.here);
    await items.write(id, 'a stray write');
    return undefined;
  } catch (error) {
    return error;
  }
}
