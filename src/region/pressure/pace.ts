import { setTimeout as sleep } from 'node:timers/promises';

/** Whoever reads asks after each piece whether to rest before the next. */
export interface Pace {
  /** Undefined where reading goes on at once; else it resolves when it may. Never rejects. */
  spend(bytes: number): Promise<void> | undefined;
}

/** So much of a second may be used at once, after a pause of whoever is paced. */
const burstSeconds = 0.1;
/** Who is held looks whether it was let go. */
const lookEveryMs = 50;

/** A token bucket that several streams share, so that their sum keeps the rate. */
export class Bucket {
  /** Nothing passes until it is let go, whatever the rate. */
  held = false;
  #rate: number;
  #tokens = 0;
  #at = performance.now();

  /** Bytes a second; infinite: no limit. */
  constructor(rate = Number.POSITIVE_INFINITY) {
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#refill();
    this.#rate = rate;
    if (rate === Number.POSITIVE_INFINITY) this.#tokens = 0;
  }

  /** Milliseconds until the bucket is out of debt. */
  take(bytes: number): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0;
    this.#refill();
    this.#tokens -= bytes;
    return Math.max(0, (-this.#tokens / this.#rate) * 1000);
  }

  #refill(): void {
    const now = performance.now();
    if (this.#rate !== Number.POSITIVE_INFINITY)
      this.#tokens = Math.min(this.#rate * burstSeconds, this.#tokens + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
  }
}

/**
 * The pace of one store: that of the bucket while it is copied or compared, none at all otherwise. What follows live, and
 * all that passes in a freeze, uses the same streams and must never wait here: `end` lets everybody go on at once.
 */
export class StorePace implements Pace {
  readonly #bucket: Bucket;
  #resting: AbortController | undefined;
  #atLeast = 0;
  /** Since the beginning. */
  bytes = 0;
  #heldBackMs = 0;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const resting = new AbortController();
    this.#resting = resting;
    try {
      return await work();
    } finally {
      this.#resting = undefined;
      this.#atLeast = 0;
      resting.abort();
    }
  }

  /** What is being copied would break off at a lower rate, bytes a second. Only a limit of the user's is obeyed below it. */
  mustKeep(bytesPerSecond: number): void {
    if (this.#resting) this.#atLeast = bytesPerSecond;
  }

  /** Undefined where nothing is copied. */
  get atLeast(): number | undefined {
    return this.#resting && this.#atLeast;
  }

  /** Milliseconds that streams rested since this was asked last. */
  takeHeldBack(): number {
    const ms = this.#heldBackMs;
    this.#heldBackMs = 0;
    return ms;
  }

  spend(bytes: number): Promise<void> | undefined {
    const resting = this.#resting;
    if (!resting) return undefined;
    this.bytes += bytes;
    const ms = this.#bucket.take(bytes);
    if (ms < 1 && !this.#bucket.held) return undefined;
    return this.#rest(ms, resting.signal).catch(() => {});
  }

  /** Rejects where the copy ends meanwhile. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    if (ms >= 1) await sleep(ms, undefined, { signal });
    while (this.#bucket.held) await sleep(lookEveryMs, undefined, { signal });
    this.#heldBackMs += performance.now() - began;
  }
}
