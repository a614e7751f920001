import { setTimeout as sleep } from 'node:timers/promises';

interface Patience {
  /** Milliseconds. Default 10 000. */
  timeout?: number;
  /** Milliseconds between two looks. Default 50. */
  every?: number;
  /** Said when it does not happen. */
  what?: string;
}

/** The first value that is not falsy. What `condition` throws counts as "not yet", and is the cause when time is up. */
export async function waitFor<T>(condition: () => T | Promise<T>, patience: Patience = {}): Promise<NonNullable<T>> {
  const { timeout = 10_000, every = 50, what = 'the condition' } = patience;
  const giveUpAt = performance.now() + timeout;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > giveUpAt) throw new Error(`${what} did not happen within ${timeout} ms`, { cause });
    await sleep(every);
  }
}
