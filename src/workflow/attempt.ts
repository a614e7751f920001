import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorReport, StorkyError } from '../protocol/errors.ts';

export interface Retries {
  /** How long an error whose next move is `retry` is tried again, milliseconds; an attempt that lasted longer starts anew. */
  forMs: number;
  firstWaitMs: number;
  longestWaitMs: number;
}

export const usualRetries: Retries = { forMs: 120_000, firstWaitMs: 250, longestWaitMs: 10_000 };

/** Runs `work` until it succeeds or fails for good. Throws only when `signal` aborts. */
export async function attempt(
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  retries: Retries,
): Promise<ErrorReport | null> {
  let since = Date.now();
  for (let wait = retries.firstWaitMs; ; wait = Math.min(wait * 2, retries.longestWaitMs)) {
    const begun = Date.now();
    try {
      signal.throwIfAborted();
      await work(signal);
      return null;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = StorkyError.from(thrown);
      if (Date.now() - begun > retries.forMs) {
        since = Date.now();
        wait = retries.firstWaitMs;
      }
      if (error.next !== 'retry' || Date.now() + wait - since > retries.forMs) return error.report();
    }
    await sleep(wait, undefined, { signal });
  }
}
