const firstMs = 200;
const longestMs = 30_000;
/** A process that ran this long before it ended begins with the shortest pause again. */
const steadyMs = 30_000;

/** How long to wait before the next start: 0.2 s, doubling to 30 s. */
export class Backoff {
  #failures = 0;

  get failures(): number {
    return this.#failures;
  }

  after(ranMs: number): number {
    if (ranMs >= steadyMs) this.#failures = 0;
    return Math.min(firstMs * 2 ** Math.min(this.#failures++, 20), longestMs);
  }
}
