import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Latency, Percentiles } from '../../protocol/gate.ts';

/** One half of the window. Milliseconds. */
const halfMs = 5_000;
/** Who watches asks more often than that; later, it is another's watch. */
const watchedMs = 15_000;

const microseconds = () => createHistogram({ lowest: 1, highest: 600_000_000, figures: 2 });

/**
 * How long the app takes to begin its answer, from the moment in which the request is written to it. The last 5 to 10
 * seconds are always known, so that there is something to compare with when somebody begins to watch.
 */
export class LatencyWatch {
  #now: RecordableHistogram = microseconds();
  #before: RecordableHistogram | undefined;
  #turnAt = 0;
  #whole: RecordableHistogram | undefined;
  #askedAt = 0;

  record(ms: number): void {
    this.#turn();
    const value = Math.max(1, Math.round(ms * 1000));
    this.#now.record(value);
    this.#whole?.record(value);
  }

  /** `whole` is what came since the first of these calls, as long as they come again and again. */
  look(): Latency {
    this.#turn();
    const now = performance.now();
    if (!this.#whole || now - this.#askedAt > watchedMs) this.#whole = microseconds();
    this.#askedAt = now;
    const window = microseconds();
    window.add(this.#now);
    if (this.#before) window.add(this.#before);
    return { window: percentiles(window), whole: percentiles(this.#whole) };
  }

  #turn(): void {
    const now = performance.now();
    if (now - this.#turnAt < halfMs) return;
    // Too old to be remembered where nobody came for a whole half.
    this.#before = now - this.#turnAt < 2 * halfMs ? this.#now : undefined;
    this.#now = microseconds();
    this.#turnAt = now;
    if (now - this.#askedAt > watchedMs) this.#whole = undefined;
  }
}

const percentiles = (of: RecordableHistogram): Percentiles => ({
  count: of.count,
  p50Ms: of.count === 0 ? 0 : of.percentile(50) / 1000,
  p99Ms: of.count === 0 ? 0 : of.percentile(99) / 1000,
});
