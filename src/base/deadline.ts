import { StorkyError } from '../protocol/errors.ts';

/** A moment on the monotonic clock, and the signal that fires there. Dispose it, or its timer stays. */
export class Deadline {
  readonly at: number;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(afterMs: number) {
    this.at = performance.now() + afterMs;
    this.signal = this.#controller.signal;
    this.#timer = setTimeout(() => this.#controller.abort(), afterMs);
  }

  get leftMs(): number {
    return Math.max(0, this.at - performance.now());
  }

  /** The promise's result, or a `timeout` error that names what was waited for. The work itself is not ended. */
  async race<T>(promise: Promise<T>, what: string): Promise<T> {
    const late = new StorkyError('timeout', { what, seconds: (this.leftMs / 1000).toFixed(1), where: 'both regions' });
    let onAbort = () => {};
    const end = new Promise<never>((_, reject) => {
      onAbort = () => reject(late);
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([promise, end]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends what runs under the signal before its time. */
  abort(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
