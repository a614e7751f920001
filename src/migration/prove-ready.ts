import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../protocol/errors.ts';
import { atSource, atTarget } from './moving.ts';
import type { StepContext } from './step.ts';

/** A stream that was cut a moment ago, by an agent's restart for example, is back and compared again in this time. */
const patienceMs = 30_000;

/** Both sides say that a switch would end in time, and the marker's path is proven. Waits a little for what only catches up. */
export async function proveReady(ctx: StepContext): Promise<{ roundTripMs: number }> {
  for (const giveUpAt = performance.now() + patienceMs; ; ) {
    try {
      await ctx.source.source.ready(atSource(ctx));
      return await ctx.target.target.rehearse(atTarget(ctx));
    } catch (thrown) {
      const error = StorkyError.from(thrown);
      if (error.code !== 'not_in_sync' || performance.now() > giveUpAt) throw error;
      ctx.log(error.message);
      await sleep(1_000, undefined, { signal: ctx.signal });
    }
  }
}
