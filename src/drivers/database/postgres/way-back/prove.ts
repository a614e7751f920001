import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { trySubscription } from '../target/subscription.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, type Client, stateOf, withClient } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import { assertStream } from './stream.ts';

/**
 * A real probe, from here: logs in on the other side, has its server decode from the slot, and has this server make the
 * subscription, which connects by itself, and asks for every table of the publication here. All of it is taken back.
 */
export async function proveWayBack(
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  signal: AbortSignal,
): Promise<void> {
  await withClient(sourceAddress(ticket, from), async (source) => {
    await assertStream(source, ticket);
    signal.throwIfAborted();
    await decode(source, ticket);
  });
  signal.throwIfAborted();
  // As a replica: the app's event triggers do not see it.
  const settings = { session_replication_role: 'replica' };
  await withClient(adminOf(instance), (client) => trySubscription(client, ticket, from), { settings });
}

/** Looks at the first change, which moves nothing. */
async function decode(source: Client, { slot, publication }: Ticket): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await source.query(
        `SELECT FROM pg_logical_slot_peek_binary_changes($1, NULL, 1, 'proto_version', '1', 'publication_names', $2)`,
        [slot, identifier(publication)],
      );
      return;
    } catch (error) {
      // In use: it is being advanced, or another attempt's probe has not ended.
      if (stateOf(error) !== '55006' || attempt === 100) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
