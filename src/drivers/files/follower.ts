import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Deadline, Lag, SourceEndpoint } from '../store.ts';
import { FollowStream } from './follow-stream.ts';
import type { Home } from './home.ts';
import type { Others } from './others.ts';

const backOffMs = [50, 100, 250, 500, 1000, 2000, 5000];
/** The source says something four times a second; silence this long means that the link is dead. */
const silenceMs = 10_000;
const putRightRounds = 20;
const putRightPauseMs = 100;
/** For the comparison with which a new stream begins. */
const comparedWithinMs = 60_000;

/**
 * The target's end of following: keeps one stream open, opens another when it breaks, and says how far it is. A new stream
 * begins with a comparison of the whole tree, which sends only what differs.
 */
export class Follower {
  readonly #home: Home;
  readonly #others: Others;
  readonly #from: SourceEndpoint;
  readonly #stop: AbortSignal;
  #stream: FollowStream | undefined;
  #brokenSince: number | undefined;
  #lastError: unknown;
  #waiting = new Set<() => void>();
  readonly ended: Promise<void>;

  constructor(home: Home, others: Others, from: SourceEndpoint, signal: AbortSignal) {
    this.#home = home;
    this.#others = others;
    this.#from = from;
    this.#stop = signal;
    this.#brokenSince = performance.now();
    this.ended = this.#run();
  }

  /** Resolves when a stream runs. Throws when the signal is aborted before. */
  async running(): Promise<void> {
    await this.#until(() => this.#stream?.alive === true);
  }

  lag(): Lag {
    const since = this.#brokenSince;
    if (!this.#stream?.alive)
      return { bytes: this.#stream?.lag().bytes ?? 0, ms: performance.now() - (since ?? performance.now()) };
    return this.#stream.lag();
  }

  healthy(): void {
    if (this.#stream?.alive || this.#brokenSince === undefined || performance.now() - this.#brokenSince < 3000) return;
    const detail = this.#lastError instanceof Error ? this.#lastError.message : 'no stream';
    throw new StorkyError(
      'link_lost',
      { region: 'the target', peer: 'the source', detail },
      { cause: this.#lastError },
    );
  }

  async probe(signal: AbortSignal): Promise<number> {
    await this.#until(() => this.#stream?.alive === true, signal);
    return this.#stream!.probe(signal);
  }

  /** Until then, and whenever it is not so, what differs from the source may only have been cut off on its way here. */
  get current(): boolean {
    return this.#stream?.current === true;
  }

  /** Resolves when it is `current`, and the source knows what that stream's comparison found. @throws StorkyError not_in_sync */
  async compared(signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.timeout(comparedWithinMs);
    try {
      await this.#until(() => this.current, AbortSignal.any([signal, patience]));
      await this.#stream!.probe(signal);
    } catch (error) {
      if (signal.aborted || this.#stop.aborted) throw error;
      const detail = 'the stream was cut, and has not compared everything anew';
      throw new StorkyError('not_in_sync', { store: 'the file tree', detail }, { cause: error });
    }
  }

  /** What others have changed here is as on the source when it resolves, unless they go on: the marker looks once more. */
  async putRight(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#stream?.alive === true, signal);
    for (let round = 0; round < putRightRounds && (await this.#stream?.putRight()); round++)
      await sleep(putRightPauseMs, undefined, { signal });
  }

  /** Resolves when the marker of the epoch was applied (invariant 3). A broken stream forgets what it saw. */
  async applied(epoch: number, deadline: Deadline): Promise<string> {
    let detail: string | undefined;
    const seen = () => {
      detail = this.#stream?.marked(epoch);
      return detail !== undefined;
    };
    await this.#until(seen, deadline.signal, deadline.at);
    return detail!;
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#stop.aborted; attempt++) {
      const began = performance.now();
      try {
        await this.#once();
      } catch (error) {
        if (this.#stop.aborted) break;
        this.#lastError = error;
        log.warn({ error: (error as Error).message }, 'the stream of a file tree broke; it is opened again');
      }
      this.#brokenSince ??= performance.now();
      if (performance.now() - began > 10_000) attempt = 0;
      await sleep(backOffMs[Math.min(attempt, backOffMs.length - 1)], undefined, { signal: this.#stop }).catch(
        () => {},
      );
    }
    this.#notify();
  }

  async #once(): Promise<void> {
    const closing = new AbortController();
    const signal = AbortSignal.any([this.#stop, closing.signal]);
    const stream = new FollowStream(this.#home, this.#others, await this.#from.openStream(signal), () =>
      this.#notify(),
    );
    this.#stream = stream;
    const watchdog = setInterval(() => stream.silentFor() > silenceMs && stream.close(), 1000);
    const onStop = () => stream.close();
    this.#stop.addEventListener('abort', onStop, { once: true });
    try {
      if (this.#stop.aborted) return;
      await stream.run(() => {
        this.#brokenSince = undefined;
        this.#notify();
      });
    } finally {
      this.#stop.removeEventListener('abort', onStop);
      clearInterval(watchdog);
      stream.close();
      closing.abort();
    }
  }

  #notify(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Looks again whenever something happens; nothing is polled. */
  async #until(holds: () => boolean, signal?: AbortSignal, at = Number.POSITIVE_INFINITY): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (error?: unknown) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        signal?.removeEventListener('abort', look);
        if (error) reject(error);
        else resolve();
      };
      const look = () => {
        if (this.#stop.aborted) end(this.#stop.reason);
        else if (signal?.aborted) end(signal.reason);
        else if (holds()) end();
      };
      const late = () =>
        end(new StorkyError('timeout', { what: 'The marker of the file tree', seconds: 0, where: 'the target' }));
      const timer = Number.isFinite(at) ? setTimeout(late, Math.max(0, at - performance.now())) : undefined;
      this.#waiting.add(look);
      signal?.addEventListener('abort', look);
      look();
    });
  }
}
