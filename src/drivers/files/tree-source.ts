import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Deadline, Finding, FollowTicket, Measure, SourceStore } from '../store.ts';
import { packTree } from './archive.ts';
import { removeOldBarriers } from './barrier.ts';
import { checkTree } from './check-tree.ts';
import { ignoring } from './ignore.ts';
import { openKnown } from './known.ts';
import { measureTree } from './measure.ts';
import { ourFolders } from './parts.ts';
import type { Place } from './place.ts';
import { Pusher } from './pusher.ts';
import { leaveStateFolder, recordLeft, recordServing, refused, roleOf, sourceFile } from './role.ts';
import { Rooted } from './rooted.ts';
import { Sent } from './sent.ts';
import { serveFetch, serveProof, serveQuestions, serveVerify, serveWalk } from './serve.ts';
import type { TreeOptions } from './tree.ts';
import { Wire } from './wire.ts';

interface State {
  ticket: FollowTicket;
  identity: string;
}

/** More than this on its way, and a switch would not end in time. */
const maxPendingBytes = 64 * 1024 * 1024;

/** The old home of a file tree: read, followed, never written. */
export class TreeSource implements SourceStore {
  readonly #options: TreeOptions & { maxWatches?: number };
  readonly #tree: Rooted;
  readonly #sent = new Sent();
  /** Each with the id of its stream. */
  readonly #wires = new Map<Wire, string>();
  #pusher: Pusher | undefined;

  constructor(options: TreeOptions & { maxWatches?: number }) {
    this.#options = options;
    this.#tree = new Rooted(options.root);
  }

  async check(): Promise<Finding[]> {
    return checkTree(this.#tree, ignoring(this.#options.ignore));
  }

  async measure(): Promise<Measure> {
    return measureTree(this.#tree, ignoring(this.#options.ignore));
  }

  async open(migration: string): Promise<{ ticket: FollowTicket; fresh: boolean }> {
    const opened = this.#open(migration);
    // What is followed from here belongs to the app; but to the end of a copy, it may be followed on from there.
    if (!roleOf(this.#options)) recordServing(this.#options);
    return opened;
  }

  async openWayBack(stream: string): Promise<FollowTicket> {
    return this.#open(stream).ticket;
  }

  async serve(stream: Duplex, migration: string): Promise<void> {
    const wire = new Wire(stream);
    this.#wires.set(wire, migration);
    try {
      const place = this.#place(migration);
      const messages = wire.read();
      const first = await messages.next();
      if (first.done || first.value.t !== 'hello') throw new Error('a stream that does not say what it is for');
      if (first.value.want === 'proof') await serveProof(place, wire, String(this.#state(migration)?.ticket.id));
      else if (first.value.want === 'walk')
        await serveWalk(place, wire, first.value.alike ? openKnown(this.#options) : undefined);
      else if (first.value.want === 'fetch') await serveFetch(place, wire, messages);
      else if (first.value.want === 'verify')
        await serveVerify(place, wire, messages, () => this.#pusher, first.value.after);
      else if (first.value.want === 'ask') await serveQuestions(place, wire, messages, () => this.#pusher);
      else await this.#follow(place, wire, messages);
    } catch (error) {
      if (!stream.destroyed) log.warn({ error: (error as Error).message }, 'a stream of a file tree ended early');
      wire.close();
    } finally {
      this.#wires.delete(wire);
    }
  }

  /** A tree has no structure that could change under the copy. */
  async fingerprint(): Promise<string> {
    return 'files';
  }

  async ready(): Promise<void> {
    const refuse = (detail: string) => new StorkyError('not_in_sync', { store: 'the file tree', detail });
    const pusher = this.#pusher;
    if (!pusher?.open) throw refuse('the target does not follow it now');
    if (!pusher.compared) throw refuse('it has not been compared yet');
    if (pusher.unreadable.size > 0) throw refuse(`it cannot be read: ${[...pusher.unreadable][0]}`);
    await pusher.lookAtMapped();
    if (!(await within(10_000, pusher.settled()))) throw refuse('the target does not acknowledge what it is sent');
    const bytes = pusher.pendingBytes;
    if (bytes > maxPendingBytes) throw refuse(`${Math.round(bytes / 1e6)} MB change faster than they can be sent`);
  }

  /**
   * A file system cannot refuse writers without a change that the app would notice: the app's processes are held and
   * drained by the switch itself, and `mark` sees what was written up to then.
   */
  async fence(deadline: Deadline): Promise<void> {
    deadline.signal.throwIfAborted();
  }

  async mark(_migration: string, epoch: number, deadline: Deadline): Promise<void> {
    if (!this.#pusher?.open) throw lost();
    await inTime(this.#pusher.mark(epoch, deadline), deadline);
  }

  /**
   * Nothing to make durable against writers: the app that wrote here is stopped, which its region records. But the way back
   * may begin from here on, and what that writes is never sent to where it comes from.
   */
  async seal(): Promise<void> {
    recordLeft(this.#options);
    this.#pusher?.close();
  }

  async unfence(): Promise<void> {
    const known = roleOf(this.#options);
    if (known?.follows) throw refused('this side follows the one that a switch opened');
    if (known?.role === 'left') recordServing(this.#options);
    await this.#pusher?.thaw().catch(() => {}); // a stream that is gone has forgotten the marker anyway
  }

  async backup(): Promise<Readable> {
    return packTree(this.#options.root, this.#options.ignore);
  }

  async close(migration: string): Promise<void> {
    // Another stream may have begun since; it goes on.
    for (const [wire, stream] of this.#wires) if (stream === migration) wire.close();
    if (this.#pusher?.stream === migration) this.#pusher.close();
    rmSync(sourceFile(this.#options.stateFolder, migration), { force: true });
    if (existsSync(this.#options.stateFolder)) removeOldBarriers(this.#options.stateFolder);
    leaveStateFolder(this.#options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pusher?.close();
    this.#pusher = undefined;
    for (const wire of this.#wires.keys()) wire.close();
  }

  #open(stream: string): { ticket: FollowTicket; fresh: boolean } {
    const known = this.#state(stream);
    if (known) return { ticket: known.ticket, fresh: false };
    mkdirSync(this.#options.stateFolder, { recursive: true, mode: 0o700 });
    removeOldBarriers(this.#options.stateFolder);
    const state: State = { ticket: { kind: 'files', id: randomUUID() }, identity: this.#tree.identity() };
    writeJsonAtomic(sourceFile(this.#options.stateFolder, stream), state);
    return { ticket: state.ticket, fresh: true };
  }

  #state(stream: string): State | undefined {
    return readJson<State>(sourceFile(this.#options.stateFolder, stream));
  }

  async #follow(place: Place, wire: Wire, messages: ReturnType<Wire['read']>): Promise<void> {
    this.#pusher?.close(); // the target has opened a new one
    const pusher = new Pusher(place, wire, this.#wires.get(wire)!);
    this.#pusher = pusher;
    try {
      await pusher.run(messages);
    } finally {
      if (this.#pusher === pusher) this.#pusher = undefined;
    }
  }

  #place(migration: string): Place {
    const state = this.#state(migration);
    if (!state) throw new StorkyError('not_granted', { peer: 'the target', region: 'the source', what: 'a file tree' });
    const { ignore, stateFolder, maxWatches } = this.#options;
    return {
      tree: this.#tree,
      identity: state.identity,
      ignore: ignoring([...ignore, ourFolders]),
      stateFolder,
      sent: this.#sent,
      maxWatches,
    };
  }
}

const lost = () =>
  new StorkyError('link_lost', {
    region: 'the source',
    peer: 'the target',
    detail: 'the target does not follow the file tree now',
  });

/** False where it took longer. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const giveUp = new AbortController();
  const late = sleep(ms, false, { signal: giveUp.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    giveUp.abort();
  }
}

/** What hangs on a dead link must not outlive the deadline. */
async function inTime<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () => reject(new StorkyError('timeout', { what: 'Sending the files', seconds: 0, where: 'the source' }));
  const timer = setTimeout(late, Math.max(0, deadline.at - performance.now()));
  deadline.signal.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    deadline.signal.removeEventListener('abort', late);
    work.catch(() => {});
  }
}
