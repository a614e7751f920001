import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import type { ErrorCode } from '../../protocol/error-catalogue.ts';
import { StorkyError } from '../../protocol/errors.ts';

const longestWaitMs = 10_000;
/** Attempts in a row that fail sooner than this have come nowhere. */
const steadyMs = 30_000;
const fruitless = 12;
/** However long the other side is away: it is worth waiting for. */
const away: readonly ErrorCode[] = ['link_lost', 'region_unreachable'];

/** Before the next attempt, after so many in vain: 0.4 s, doubling to 10 s. */
const pauseMs = (failures: number) => Math.min(200 * 2 ** failures, longestWaitMs);

/** Does the work until it ends, is stopped, or fails for a reason that trying again does not mend. */
export async function persist(
  what: string,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  onWait: (error: StorkyError) => void,
  pause = pauseMs,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const started = performance.now();
    try {
      return await work(signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = StorkyError.from(thrown);
      failures = performance.now() - started > steadyMs ? 1 : failures + 1;
      if (!mends(thrown, error) || (failures >= fruitless && !away.includes(error.code))) throw error;
      log.warn({ what, code: error.code, detail: error.message, failures }, 'interrupted; it goes on');
      onWait(error);
      await sleep(pause(failures), undefined, { signal }).catch(() => {});
    }
  }
}

/** A connection that breaks arrives as an error of the network or of the engine's client, which is none of ours. */
function mends(thrown: unknown, error: StorkyError): boolean {
  return error.next === 'retry' || !(thrown instanceof StorkyError);
}
