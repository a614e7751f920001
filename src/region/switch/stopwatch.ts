/** Names the moments of a switch, in milliseconds since the first. */
export class Stopwatch {
  readonly #start = performance.now();
  readonly timings: Record<string, number> = {};

  mark(name: string): void {
    this.timings[name] = Math.round((performance.now() - this.#start) * 100) / 100;
  }

  get elapsedMs(): number {
    return Math.round((performance.now() - this.#start) * 100) / 100;
  }
}
