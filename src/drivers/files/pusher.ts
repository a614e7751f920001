import { createHash, type Hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../protocol/errors.ts';
import type { Deadline } from '../store.ts';
import { checkDeadline } from './check-deadline.ts';
import { Hints } from './hints.ts';
import type { Message } from './messages.ts';
import { assertInside, type TreePath } from './names.ts';
import { assertSameRoot, type Place } from './place.ts';
import { Scanner } from './scanner.ts';
import { sendPath } from './send-file.ts';
import { Turns } from './turns.ts';
import type { Piece, Wire } from './wire.ts';

const batchSize = 256;
const debounceMs = 50;
const scanEveryMs = 60_000;
const mappedEveryMs = 5_000;
const reportEveryMs = 250;

/** One try to switch, for as long as it is not taken back. */
interface Attempt {
  epoch: number;
  deadline: Deadline;
}

/**
 * The source's end of following, over one stream. Hints fill `dirty`; what is dirty is read, hashed and pushed; a scan now
 * and then compares everything. The reader of the other direction never waits, so neither side can block the other.
 */
export class Pusher {
  readonly stream: string;
  readonly #place: Place;
  readonly #wire: Wire;
  readonly #hints: Hints;
  readonly #scanner: Scanner;
  readonly #turns = new Turns();
  /** Sent and not acknowledged. */
  readonly #unacked = new Map<number, { since: number; paths: Set<TreePath> }>();
  #batch = 0;
  readonly unreadable = new Set<TreePath>();
  #wake: () => void = () => {};
  #proof: Hash | undefined;
  #proofs = 0;
  #marking: Attempt | undefined;
  #nextScan = 0;
  #scanMs = 0;
  readonly #stop = new AbortController();

  constructor(place: Place, wire: Wire, stream: string) {
    this.stream = stream;
    this.#place = place;
    this.#wire = wire;
    this.#hints = new Hints(place, { change: () => this.#wake(), loss: () => this.#scanSoon() });
    this.#scanner = new Scanner(place, wire, (dir) => this.#hints.enter(dir));
  }

  get open(): boolean {
    return !this.#stop.signal.aborted && this.#wire.open;
  }

  /** The tree was compared over this stream. */
  get compared(): boolean {
    return this.#hints.compared;
  }

  /** Content that is known to have changed and was not sent yet. */
  get pendingBytes(): number {
    return this.#hints.dirty.bytes(this.#place.tree);
  }

  get pending(): number {
    return [...this.#unacked.values()].reduce((sum, { paths }) => sum + paths.size, this.#hints.dirty.size);
  }

  /** Runs until the stream ends. */
  async run(messages: AsyncGenerator<Message | Piece>): Promise<void> {
    const loops = [
      this.#pushLoop(),
      this.#every(100, () => this.#scanIfDue()),
      this.#every(reportEveryMs, () => this.#report()),
    ];
    loops.push(this.#every(mappedEveryMs, () => this.#hints.addMapped()));
    for (const loop of loops) loop.catch(() => this.close());
    try {
      for await (const message of messages) this.#take(message as Message);
    } finally {
      this.close();
      await Promise.allSettled(loops);
    }
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#hints.close();
    this.#scanner.close();
    this.#wire.close();
    this.#wake();
  }

  /**
   * In the freeze, after the drain (invariant 2): sends what is dirty and then the marker, with the digest of what was sent.
   * Where hints were lost, the whole tree is compared first. Throws at the deadline; then nothing has been marked.
   */
  async mark(epoch: number, deadline: Deadline): Promise<void> {
    const attempt = { epoch, deadline };
    this.#marking = attempt;
    await this.#turns.take(() => this.#markFor(attempt));
  }

  /** One that was taken back ends without a marker: it would stand for a tree that is written to again (invariant 2). */
  async #markFor(attempt: Attempt): Promise<void> {
    const { epoch, deadline } = attempt;
    const assertWanted = () => {
      checkDeadline(deadline);
      if (this.#marking !== attempt) throw new Error('the switch backed out');
    };
    assertWanted();
    this.#proof = createHash('sha256');
    this.#proofs = 0;
    await this.#wire.send({ t: 'freeze', epoch });
    await this.#untilClean(deadline);
    const digest = this.#proof.digest('hex');
    this.#proof = undefined;
    assertWanted();
    await this.#wire.send({ t: 'marker', epoch, items: this.#proofs, digest });
  }

  /** The switch backed out: a marker that the target saw means nothing any more. */
  async thaw(): Promise<void> {
    this.#marking = undefined;
    if (this.open) await this.#wire.send({ t: 'thaw' });
  }

  /** Files that may be written without an event; in the freeze only what has changed since is read from /proc. */
  lookAtMapped(): Promise<void> {
    return this.#hints.addMapped();
  }

  /** Resolves when everything that had changed by now was applied and acknowledged. */
  async settled(): Promise<void> {
    await this.#hints.barrier();
    await this.#turns.take(() => this.#pushAll());
    const upTo = this.#batch;
    while (this.open && [...this.#unacked.keys()].some((n) => n <= upTo)) await sleep(5);
  }

  /** On its way or changed again, so not to be compared now. */
  async busy(path: TreePath): Promise<boolean> {
    await this.#hints.barrier();
    return this.#hints.dirty.has(path) || [...this.#unacked.values()].some(({ paths }) => paths.has(path));
  }

  async #untilClean(deadline: Deadline): Promise<void> {
    const mapped = this.#hints.addMapped(); // meanwhile
    for (let first = true; ; first = false) {
      await this.#hints.barrier();
      const losses = this.#hints.losses;
      if (!this.#hints.whole) await this.#scan();
      await this.#pushAll();
      if (first) await mapped;
      if (!this.open)
        throw new StorkyError('link_lost', {
          region: 'the source',
          peer: 'the target',
          detail: 'the stream of the file tree ended',
        });
      // Nobody writes now: a comparison made after the drain is complete, even where hints are not.
      if (this.#hints.dirty.size === 0 && this.#hints.losses === losses) return;
      checkDeadline(deadline);
    }
  }

  #take(message: Message): void {
    if ('path' in message) assertInside(message.path);
    if (message.t === 'ack') this.#unacked.delete(message.n);
    else if (message.t === 'want') this.#scanner.want(message.path);
    else if (message.t === 'scanned') this.#scanner.echo(message.id);
    else if (message.t === 'doubt') {
      for (const { path } of message.wanted) assertInside(path);
      for (const wanted of message.wanted) this.#hints.add({ ...wanted, doubted: true });
      if (message.markAgain) this.#markAgain();
    } else if (message.t === 'resend') {
      this.#place.sent.drop(message.path);
      this.#hints.add({ path: message.path, whole: true });
      this.#markAgain();
    } else if (message.t === 'probe') this.#answer(message.id).catch(() => this.close());
    else throw new Error(`${message.t} from the target of a follow stream`);
  }

  /** Something sent in the freeze could not be applied: the marker after it counts for nothing, so another follows. */
  #markAgain(): void {
    const attempt = this.#marking;
    if (attempt) this.#turns.take(() => this.#markFor(attempt)).catch(() => {});
  }

  /** The way that a marker takes, with nothing to send. */
  async #answer(id: number): Promise<void> {
    await this.#hints.barrier();
    await this.#wire.send({ t: 'probe', id });
  }

  async #pushLoop(): Promise<void> {
    while (this.open) {
      if (this.#hints.dirty.size === 0) await this.#woken();
      await this.#pause(debounceMs);
      if (this.open) await this.#turns.take(() => this.#pushSome());
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Bounded by what is dirty now: what keeps changing does not keep us here. */
  async #pushAll(): Promise<void> {
    for (let left = this.#hints.dirty.size; left > 0 && this.open; left -= batchSize) await this.#pushSome();
  }

  async #pushSome(): Promise<void> {
    assertSameRoot(this.#place);
    const changes = this.#hints.dirty.take(batchSize);
    if (changes.length === 0) return;
    const n = ++this.#batch;
    const since = Math.min(...changes.map((change) => change.since));
    this.#unacked.set(n, { since, paths: new Set(changes.map((change) => change.path)) });
    for (const change of changes) {
      const seen = this.#hints.look(change.path);
      // A directory that is newer than the scan that asked for it was in no listing: what the target has there may be another's.
      if (seen === 'replaced' || change.replaced || (seen === 'new' && change.doubted))
        await this.#sendGone(change.path);
      const outcome = await sendPath(this.#wire, this.#place.tree, change, this.#place.sent);
      this.#prove(outcome.proof, change.path);
      if (outcome.proof === 'unreadable') this.unreadable.add(change.path);
      else this.unreadable.delete(change.path);
      if (outcome.torn) this.#hints.add({ path: change.path }, change.since);
    }
    await this.#wire.send({ t: 'batch', n });
  }

  async #sendGone(path: TreePath): Promise<void> {
    this.#place.sent.dropAll(path);
    await this.#wire.send({ t: 'gone', path });
    this.#prove('gone', path);
  }

  #prove(proof: string, path: TreePath): void {
    this.#proof?.update(`${proof} ${path}\0`);
    this.#proofs++;
  }

  #scanSoon(): void {
    this.#nextScan = Math.min(this.#nextScan, performance.now() + this.#scanMs);
  }

  async #scanIfDue(): Promise<void> {
    if (performance.now() < this.#nextScan) return;
    this.#nextScan = Number.POSITIVE_INFINITY; // a loss during the scan brings the next one forward
    const start = performance.now();
    await this.#scan();
    this.#scanMs = performance.now() - start;
    const pause = Math.max(scanEveryMs, 30 * this.#scanMs);
    this.#nextScan = Math.min(this.#nextScan, performance.now() + pause);
  }

  async #scan(): Promise<void> {
    const losses = this.#hints.losses;
    this.#hints.add({ path: '' }); // the root is in no listing
    await this.#scanner.scan();
    this.#hints.compareEnded(losses);
  }

  /** Also the heartbeat by which the target knows that the link stands. */
  async #report(): Promise<void> {
    const ages = [...this.#unacked.values()].map(({ since }) => since);
    const oldest = Math.min(...ages, this.#hints.dirty.oldest() ?? Number.POSITIVE_INFINITY);
    const ms = Number.isFinite(oldest) ? performance.now() - oldest : 0;
    await this.#wire.send({ t: 'lag', items: this.pending, bytes: this.pendingBytes, ms });
  }

  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    while (this.open) {
      await act();
      await this.#pause(ms);
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}
