import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Rig } from './test-rig.ts';

/** Nothing but the content tells. */
function flipBit(file: string): void {
  const { atime, mtime } = fs.statSync(file);
  const content = fs.readFileSync(file);
  content[3]! ^= 1;
  fs.writeFileSync(file, content);
  fs.utimesSync(file, atime, mtime);
}

/** Long enough that a time stamp of a file tells its state from the next, so that no new stream sends it again. */
const settledMs = 2_100;
const many = Array.from({ length: 50 }, (_, i) => `f${i}`);
/** The root, the folder of many, and the folder that is compared after it. */
const pages = 3;

/** Fifty files are on their way to the target, and more than twenty are not looked at again. */
async function onTheirWay() {
  const rig = await Rig.start({ maxSuspects: 20 });
  const [from, to] = [join(rig.from, 'many'), join(rig.to, 'many')];
  fs.mkdirSync(join(from, 'later'), { recursive: true });
  for (const name of many) fs.writeFileSync(join(from, name), `content of ${name}`);
  fs.writeFileSync(join(from, 'later', 'file'), 'content');
  await rig.copy();
  const leave = () => {
    for (const name of many) fs.rmSync(join(to, name), { force: true });
  };
  const arrive = () => {
    execFileSync('cp', ['-a', ...many.map((name) => join(from, name)), to]);
    execFileSync('touch', ['-r', from, to]);
  };
  return { rig, leave, arrive };
}

test.each(['verify', 'verifyChanged'] as const)(
  '%s: a wrong bit is found behind more that is on its way than is looked at again',
  async (how) => {
    const { rig, leave, arrive } = await onTheirWay();
    await using _ = rig;
    leave();
    flipBit(join(rig.to, 'many', 'later', 'file'));
    let compared = 0;
    const rest = async () => void (++compared === pages && arrive());
    const { differences } = await rig[how]({ rest });
    expect(differences).toEqual([expect.stringMatching(/^many\/later\/file differs in .*content$/)]);
    expect(compared).toBe(2 * pages);
  },
);

test.each(['verify', 'verifyChanged'] as const)(
  '%s: where that never ends, it is said, and nothing is called equal',
  async (how) => {
    const { rig, leave, arrive } = await onTheirWay();
    await using _ = rig;
    let compared = 0;
    const rest = async () => void (++compared % pages === 0 && arrive());
    const openStream = (signal: AbortSignal) => {
      leave();
      return rig.endpoint.openStream(signal);
    };
    await expect(rig[how]({ rest, openStream })).rejects.toMatchObject({ code: 'not_in_sync' });
  },
);

/** All streams of the target so far end, and a new one takes a while. */
class Outage {
  readonly #streams: Duplex[] = [];
  readonly #over = Promise.withResolvers<void>();
  #begun = false;

  constructor(rig: Rig) {
    const { openStream } = rig.endpoint;
    rig.endpoint.openStream = async (signal) => {
      if (this.#begun) await this.#over.promise;
      const stream = await openStream(signal);
      this.#streams.push(stream);
      return stream;
    };
  }

  async begin(): Promise<void> {
    this.#begun = true;
    const ended = this.#streams.filter((stream) => !stream.closed).map((stream) => once(stream, 'close'));
    for (const stream of this.#streams) stream.destroy();
    await Promise.all(ended);
    void sleep(4_000).then(() => this.#over.resolve());
  }
}

test('what differs while the stream of changes is cut is not taken for equal: it is found when the stream is back', async () => {
  await using rig = await Rig.start();
  for (let i = 0; i < 20; i++) fs.writeFileSync(join(rig.from, `f${i}`), `content ${i}`);
  await sleep(settledMs);
  const { openStream } = rig.endpoint;
  const outage = new Outage(rig);
  await rig.copyAndFollow();
  flipBit(join(rig.to, 'f7'));
  const ofItsOwn = async (signal: AbortSignal) => {
    const stream = await openStream(signal);
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    let [writes, begun] = [0, Promise.resolve()];
    // The first two say what it wants; then it asks for a suspect again.
    stream.write = ((...args: unknown[]) => {
      if (++writes === 3) begun = outage.begin();
      void begun.then(() => write(...args));
      return true;
    }) as typeof stream.write;
    return stream;
  };
  const { differences } = await rig.verify({ openStream: ofItsOwn });
  expect(differences).toEqual([expect.stringMatching(/^f7 differs in .*content$/)]);
  await rig.copy();
  await rig.follow();
  expect((await rig.verify()).differences).toEqual([]);
}, 30_000);
