import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline, FollowTicket, Lag, Report, SourceEndpoint, TargetStore, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { type Entry, hasServer, type MemoryServer, serverAt } from './server.ts';

type Marker = Extract<Entry, { kind: 'marker' }>;

export class MemoryTarget implements TargetStore {
  readonly #instance: DatabaseInstance;
  readonly #waiting = new Set<(marker: Marker) => void>();
  #followed: { stream: string; source: MemoryServer } | undefined;
  #following = new AbortController();

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  get #server(): MemoryServer {
    return serverAt(this.#instance);
  }

  async copy(stream: string, ticket: FollowTicket): Promise<{ bytes: number; items: number }> {
    const source = sourceOf(stream, ticket);
    for (const [id, value] of source.items) this.#server.items.set(id, value);
    this.#server.applied.set(stream, source.log.length);
    return { bytes: 0, items: this.#server.items.size };
  }

  async follow(stream: string, ticket: FollowTicket): Promise<void> {
    if (!this.#server.applied.has(stream)) throw notInSync('nothing was copied, and no way back was begun');
    this.#following.abort();
    this.#following = new AbortController();
    const source = sourceOf(stream, ticket);
    this.#followed = { stream, source };
    source.onChange(() => this.#apply(), this.#following.signal);
    this.#apply();
  }

  async lag(): Promise<Lag> {
    const { stream, source } = this.#source();
    return { bytes: source.log.length - this.#server.applied.get(stream)!, ms: 0 };
  }

  async healthy(): Promise<void> {
    this.#source();
  }

  async verify(stream: string, ticket: FollowTicket, _from: SourceEndpoint, report: Report): Promise<VerifyResult> {
    this.#apply();
    const theirs = sourceOf(stream, ticket).items;
    const ids = [...new Set([...theirs.keys(), ...this.#server.items.keys()])];
    report({ done: ids.length, total: ids.length, unit: 'items' });
    const differing = ids.filter((id) => theirs.get(id) !== this.#server.items.get(id));
    return { items: ids.length, differences: differing.map((id) => `item ${id} differs`) };
  }

  /** On a sealed side the copy takes the place of the seal: it refuses writers as well. */
  async standby(): Promise<void> {
    if (this.#server.role === 'active' && !this.#server.sealed) return;
    this.#server.role = 'standby';
    this.#server.wasSealed ||= this.#server.sealed;
    this.#server.sealed = false;
  }

  async rehearse(): Promise<{ roundTripMs: number }> {
    this.#apply();
    return { roundTripMs: 0.01 };
  }

  async applied(migration: string, epoch: number, { at, signal }: Deadline): Promise<{ detail: string; turn: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ detail: string; turn: string }>();
    const late = () =>
      reject(new StorkyError('timeout', { what: 'The marker', seconds: 'its budget of', where: 'both' }));
    const arrived = (marker: Marker) => {
      if (marker.migration !== migration || marker.epoch !== epoch) return;
      resolve({ detail: `marker ${epoch} applied`, turn: String(this.#server.log.length) });
    };
    const timer = setTimeout(late, Math.max(0, at - performance.now()));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    this.#waiting.add(arrived);
    return await promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      this.#waiting.delete(arrived);
    });
  }

  async activate(): Promise<void> {
    this.#server.role = 'active';
    this.#server.sealed = false;
    this.#server.wasSealed = false;
  }

  async restore(dump: Readable): Promise<void> {
    this.#server.items.clear();
    for (const [id, value] of JSON.parse(await text(dump)) as [number, string][]) this.#server.items.set(id, value);
  }

  /** A copy that was given up is a database as any other; but what a switch has shut stays shut (invariant 6). */
  async close(stream: string): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#server.applied.delete(stream);
    if (this.#server.role === 'active') return;
    this.#server.role = 'normal';
    this.#server.sealed ||= this.#server.wasSealed;
    this.#server.wasSealed = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following.abort();
    this.#followed = undefined;
  }

  #source(): { stream: string; source: MemoryServer } {
    if (!this.#followed) throw notInSync('it does not follow');
    return this.#followed;
  }

  /** In the stream's order, so that a marker that arrives proves what came before it (invariant 3). */
  #apply(): void {
    if (!hasServer(this.#instance)) return;
    const { stream, source } = this.#source();
    for (let at = this.#server.applied.get(stream)!; at < source.log.length; at++) {
      const entry = source.log[at]!;
      this.#server.applied.set(stream, at + 1);
      if (entry.kind === 'write') this.#server.items.set(entry.id, entry.value);
      else for (const arrived of [...this.#waiting]) arrived(entry);
    }
  }
}

/** @throws StorkyError where nothing is held there for this stream */
export function sourceOf(stream: string, ticket: FollowTicket): MemoryServer {
  const source = serverAt(ticket as unknown as DatabaseInstance);
  if (!source.opened.has(stream)) throw notInSync('the other side does not know this stream');
  return source;
}

const notInSync = (detail: string) => new StorkyError('not_in_sync', { store: 'The database', detail });
