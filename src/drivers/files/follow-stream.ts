import type { Duplex } from 'node:stream';
import { log } from '../../base/log.ts';
import type { Lag } from '../store.ts';
import { lookAt } from './as-left.ts';
import { breathe } from './breath.ts';
import { extras } from './extras.ts';
import type { Home } from './home.ts';
import type { Listed, Message, Wanted } from './messages.ts';
import { assertInside, join, readable, type TreePath } from './names.ts';
import { NotOnDisk, takeAway } from './not-on-disk.ts';
import type { Others } from './others.ts';
import { Receiver } from './receiver.ts';
import { settle } from './settle.ts';
import { Wire } from './wire.ts';

/** Few enough for one frame, with their tables. */
function* inFrames(wanted: Wanted[]): Generator<Wanted[]> {
  let some: Wanted[] = [];
  let bytes = 0;
  for (const one of wanted) {
    some.push(one);
    bytes += one.table?.length ?? 0;
    if (some.length < 500 && bytes < 2_000_000) continue;
    yield some;
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield some;
}

/** The target's end of one follow stream: applies what is pushed, in order, and takes its part in scans and markers. */
export class FollowStream {
  readonly #home: Home;
  readonly #others: Others;
  readonly #wire: Wire;
  readonly #receiver: Receiver;
  readonly #happened: () => void;
  #heard = performance.now();
  #said: { bytes: number; ms: number; items: number } | undefined;
  /** Everything was compared once over this stream, so nothing but what the source says is missing. */
  #compared = false;
  #listed = new Set<string>();
  #marker: { epoch: number; detail: string } | undefined;
  #freezing: number | undefined;
  /** Something since the freeze began could not be applied. */
  #incomplete = false;
  #flushing: Promise<void> | undefined;
  #failed: Error | undefined;
  /** What others have changed, and the source was asked for. */
  #asked = new Set<TreePath>();
  /** The attempt in which what others had changed was looked for, and whether there was anything. */
  #putRightIn: number | undefined;
  #puttingRight: Promise<boolean> | undefined;
  readonly #probes = new Map<number, () => void>();
  #serial = 0;
  #broken = false;

  constructor(home: Home, others: Others, stream: Duplex, happened: () => void) {
    this.#home = home;
    this.#others = others;
    this.#wire = new Wire(stream);
    this.#receiver = new Receiver(home.placer, home.ledger, home.unsynced);
    this.#happened = happened;
  }

  alive = false;

  lag(): Lag {
    const since = performance.now() - this.#heard;
    if (!this.#said || !this.#compared)
      return { bytes: this.#said?.bytes ?? 0, ms: Math.max(1, since + (this.#said?.ms ?? 0)) };
    return { bytes: this.#said.bytes, ms: this.#said.items === 0 ? 0 : this.#said.ms + since };
  }

  /** Everything was compared over this stream, and goes on: what is missing here is on its way. */
  get current(): boolean {
    return this.alive && this.#compared;
  }

  silentFor(): number {
    return performance.now() - this.#heard;
  }

  /** What was applied before the marker of the epoch; undefined until it was, and again after whatever came later. */
  marked(epoch: number): string | undefined {
    return this.#marker?.epoch === epoch ? this.#marker.detail : undefined;
  }

  async probe(signal: AbortSignal): Promise<number> {
    const id = ++this.#serial;
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      const stop = () => reject(signal.reason ?? new Error('the stream ended'));
      signal.addEventListener('abort', stop, { once: true });
      this.#probes.set(id, () => {
        signal.removeEventListener('abort', stop);
        if (this.#broken) reject(new Error('the stream ended'));
        else resolve();
      });
      this.#wire.send({ t: 'probe', id }).catch(reject);
    });
    return performance.now() - start;
  }

  /** Asks the source for what is there where others have changed something here. False where nobody had. */
  async putRight(markAgain = false): Promise<boolean> {
    const { ledger, have } = this.#home;
    const found = await this.#others.look();
    const wanted: Wanted[] = [];
    for (const path of found) {
      if (this.#asked.has(path) && !markAgain) continue;
      const here = lookAt(this.#home.placer.tree, path);
      // With a directory that is gone, or is none any more, everything in it is.
      const lost = here?.isDirectory() ? [path] : ledger.under(path);
      for (const one of lost) ledger.doubt(one);
      wanted.push(await have.wanted(path, '', Number(here?.size ?? 0)));
      for (const below of lost.slice(1)) wanted.push({ path: below, whole: true });
    }
    this.#asked = new Set(found);
    if (wanted.length === 0) return found.length > 0;
    log.warn(
      { paths: found.slice(0, 5).map(readable), all: found.length },
      'the copy was changed by others; put right',
    );
    const frames = [...inFrames(wanted)];
    for (const [n, some] of frames.entries())
      await this.#wire.send({ t: 'doubt', wanted: some, markAgain: markAgain && n === frames.length - 1 });
    return true;
  }

  close(): void {
    this.#wire.close();
  }

  async run(started: () => void): Promise<void> {
    try {
      await this.#wire.send({ t: 'hello', want: 'follow', version: 1 });
      for await (const message of this.#wire.read()) {
        this.#heard = performance.now();
        if (!this.alive) {
          this.alive = true;
          started();
        }
        if (this.#receiver.take(message)) this.#marker = undefined;
        else await this.#react(message as Message);
      }
      throw new Error('the source ended the stream');
    } catch (error) {
      throw this.#failed ?? error;
    } finally {
      this.#broken = true;
      this.alive = false;
      this.#marker = undefined;
      this.#receiver.abandon();
      for (const answered of this.#probes.values()) answered();
      await this.#flushing?.catch(() => {});
      this.#home.ledger.commit();
      this.#happened();
    }
  }

  async #react(message: Message): Promise<void> {
    if (message.t === 'batch') await this.#batch(message.n);
    else if (message.t === 'lag') {
      this.#said = message;
      this.#others
        .settle()
        .catch((error) => log.warn({ error: (error as Error).message }, 'the copy could not be looked at'));
    } else if (message.t === 'dir') {
      assertInside(message.path);
      if ((await this.#home.ledger.digest(message.path)) !== message.digest)
        await this.#wire.send({ t: 'want', path: message.path });
    } else if (message.t === 'listing') await this.#compare(message.dir, message.names, message.last);
    else if (message.t === 'scanned') {
      await this.#wire.send({ t: 'scanned', id: message.id, whole: message.whole });
      if (message.whole) this.#afterScan();
    } else if (message.t === 'freeze') {
      this.#marker = undefined;
      this.#freezing = message.epoch;
      this.#incomplete = false;
      this.#receiver.startProof();
      this.#lookForOthers(message.epoch);
    } else if (message.t === 'marker') await this.#mark(message.epoch, message.items, message.digest);
    else if (message.t === 'thaw') {
      this.#marker = undefined;
      this.#freezing = undefined;
      this.#putRightIn = undefined;
    } else if (message.t === 'probe') {
      this.#probes.get(message.id)?.();
      this.#probes.delete(message.id);
    } else throw new Error(`${message.t} from the source of a follow stream`);
  }

  /**
   * A preview may have written here since the last rehearsal. Looked at once in an attempt, when the source stands still:
   * then everything here that is not on its way is as it is there, and what the app's processes write from now on is
   * written on top of that, as after the switch.
   */
  #lookForOthers(epoch: number): void {
    if (this.#putRightIn === epoch) return;
    this.#putRightIn = epoch;
    this.#puttingRight = this.putRight(true);
    this.#puttingRight.catch(() => this.close());
  }

  async #batch(n: number): Promise<void> {
    settle(this.#home.placer, this.#home.ledger);
    this.#home.ledger.commit();
    for (const path of this.#receiver.missing.splice(0)) {
      this.#incomplete = true;
      await this.#wire.send({ t: 'resend', path });
    }
    for (const detail of this.#receiver.unreadable.splice(0))
      log.warn({ detail }, 'a file cannot be read on the source');
    await this.#wire.send({ t: 'ack', n });
    if (this.#freezing === undefined) this.#flush();
  }

  /** In the background, so that the freeze finds little that is not on disk. */
  #flush(): void {
    this.#flushing ??= this.#onDisk()
      .catch((error) => {
        log.warn({ error: (error as Error).message }, 'files could not be synced');
        this.#failed = error;
        this.close();
      })
      .finally(() => (this.#flushing = undefined));
  }

  /** What could not be brought to disk ends the stream: the comparison with which the next one begins sends it anew. */
  async #onDisk(): Promise<void> {
    if (this.#failed) throw this.#failed;
    try {
      await this.#home.unsynced.flush();
    } catch (error) {
      if (error instanceof NotOnDisk) takeAway(this.#home, error.paths);
      throw error;
    }
  }

  /** Invariant 3: only this, with the digest of all that was sent in the freeze, applied and on disk, means applied. */
  async #mark(epoch: number, items: number, digest: string): Promise<void> {
    this.#freezing = undefined;
    if (this.#incomplete) return; // the source was asked for the rest, and marks again after it
    const proof = this.#receiver.proof();
    if (this.#receiver.missing.length > 0 || proof.digest !== digest || proof.items !== items)
      throw new Error(`the marker of epoch ${epoch} does not match what was applied here`);
    await this.#flushing;
    await this.#onDisk();
    if (await this.#puttingRight) {
      this.#puttingRight = undefined;
      return; // the source was asked, and marks again after it
    }
    settle(this.#home.placer, this.#home.ledger);
    this.#home.ledger.commit();
    this.#marker = { epoch, detail: `${items} ${items === 1 ? 'change' : 'changes'} in the freeze` };
    this.#happened();
  }

  async #compare(dir: TreePath, names: Listed[], last: boolean): Promise<void> {
    assertInside(dir);
    const { ledger, have } = this.#home;
    const wanted: Wanted[] = [];
    for (const [name, sig, size] of names) {
      await breathe();
      this.#listed.add(name);
      const path = join(dir, name);
      assertInside(path);
      if (ledger.sigOf(path) !== sig) wanted.push(await have.wanted(path, sig, size));
    }
    if (last) {
      wanted.push(...extras(this.#home, dir, this.#listed).map((path) => ({ path })));
      for (const { name } of ledger.list(dir)) {
        await breathe();
        if (!this.#listed.has(name)) wanted.push({ path: join(dir, name) });
      }
      this.#listed = new Set();
    }
    for (const some of inFrames(wanted)) await this.#wire.send({ t: 'doubt', wanted: some });
  }

  /** What the scan found is dirty on the source now; its next word on the lag counts it. */
  #afterScan(): void {
    this.#compared = true;
    this.#others
      .prepare()
      .catch((error) => log.warn({ error: (error as Error).message }, 'the copy could not be scanned'));
    this.#said = { bytes: this.#said?.bytes ?? 0, ms: this.#said?.ms ?? 0, items: Math.max(1, this.#said?.items ?? 1) };
    this.#happened();
  }
}
