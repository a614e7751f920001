import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { assertSlot } from '../source/slot.ts';
import { isWayBack, type Ticket } from '../ticket.ts';
import { assertSameOverThere } from '../way-back/stream.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { lastApplyError } from './apply-errors.ts';
import { begunAt, lost, worker } from './follow.ts';

/**
 * Throws `schema_changed` when a change could not be applied, or when the other side's structure is not that of a way back
 * any more; `not_in_sync` when the slot is lost; `link_lost` when the stream stays away for 5 s. What could not be applied
 * before `since`, milliseconds of the epoch, is past.
 */
export async function assertHealthy(
  instance: DatabaseInstance,
  ticket: Ticket,
  source: () => Promise<Client>,
  since: number,
): Promise<void> {
  try {
    await assertStreams(instance, ticket.migration, since);
  } catch (error) {
    // Why it does not stream is known to the other side, if it can be reached.
    const client = await source().catch(() => undefined);
    if (client) await assertSlot(client, ticket.slot);
    throw error;
  }
  if (isWayBack(ticket)) await assertSameOverThere(await source(), ticket);
}

async function assertStreams(instance: DatabaseInstance, migration: string, since: number): Promise<void> {
  await withClient(adminOf(instance), async (client) => {
    const begun = Math.max(since, await begunAt(client));
    for (const end = Date.now() + 5000; ; ) {
      const refusal = lastApplyError(instance, begun);
      if (refusal) throw new StorkyError('schema_changed', { store: 'The database', detail: refusal });
      const { there, streams, silentMs } = await worker(client, migration);
      if (!there) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
      if (streams && silentMs < 60_000) return;
      if (Date.now() > end)
        throw lost(silentMs > 0 ? `nothing heard for ${Math.round(silentMs / 1000)} s` : 'the stream is not connected');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
}
