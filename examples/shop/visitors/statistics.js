/** Counts what happened, second by second. Times in milliseconds. */
export class Statistics {
  #startedAt = performance.now();
  #slowMs;
  #waits = [];
  #timeline = [];
  #totals = { requests: 0, failed: 0, slow: 0 };
  #servedBy = {};
  #taken = 0;
  lost = [];
  failures = [];

  constructor(slowMs) {
    this.#slowMs = slowMs;
  }

  answered(waitMs, { write, servedBy }) {
    this.#count(waitMs);
    if (write) this.#now().writes++;
    if (servedBy) this.#servedBy[servedBy] = (this.#servedBy[servedBy] ?? 0) + 1;
  }

  failed(waitMs, request, reason) {
    this.#count(waitMs);
    this.refused(request, reason);
  }

  /** A failure that is no request: a WebSocket. */
  refused(request, reason) {
    this.#totals.failed++;
    this.#now().failed++;
    if (this.failures.length < 20)
      this.failures.push({ at: Math.round(this.#elapsedMs() / 100) / 10, request, reason });
  }

  /** The seconds that have ended since the last call. */
  takeClosed() {
    const { second } = this.#now();
    const closed = this.#timeline.slice(this.#taken, second);
    this.#taken = second;
    return closed;
  }

  summary() {
    const waits = this.#waits.toSorted((a, b) => a - b);
    const at = (share) => round(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0);
    return {
      seconds: round(this.#elapsedMs() / 1000),
      ...this.#totals,
      ...{ longestWaitMs: at(1), p50Ms: at(0.5), p99Ms: at(0.99) },
      ...{ lost: [...this.lost], servedBy: { ...this.#servedBy }, failures: [...this.failures] },
      timeline: this.#timeline.map((tick) => ({ ...tick })),
    };
  }

  #count(waitMs) {
    this.#waits.push(waitMs);
    this.#totals.requests++;
    if (waitMs > this.#slowMs) this.#totals.slow++;
    const tick = this.#now();
    tick.requests++;
    tick.longestMs = Math.max(tick.longestMs, round(waitMs));
  }

  #now() {
    const second = Math.floor(this.#elapsedMs() / 1000);
    while (this.#timeline.length <= second)
      this.#timeline.push({ second: this.#timeline.length, requests: 0, failed: 0, writes: 0, longestMs: 0 });
    return this.#timeline[second];
  }

  #elapsedMs() {
    return performance.now() - this.#startedAt;
  }
}

const round = (number) => Math.round(number * 10) / 10;
