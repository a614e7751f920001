import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../../base/deadline.ts';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { SwitchChannel } from './channel.ts';

/**
 * The source is passive for this epoch: tells the target to serve until it says that it does. Over any stream that can be
 * opened, for as long as it takes (invariant 5): giving up here would leave nobody serving.
 */
export async function confirmActive(
  epoch: number,
  openChannel: () => Promise<SwitchChannel>,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, 2_000)) {
    try {
      const channel = await openChannel();
      using patience = new Deadline(3_000);
      const activated = channel.expect('activated', epoch);
      channel.send({ t: 'active', epoch });
      await patience.race(activated, 'the target to confirm');
      return;
    } catch (error) {
      log.warn({ epoch, detail: StorkyError.from(error).message }, 'the target has not confirmed yet');
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}
