import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { assertCopied } from '../target/follow.ts';
import type { Ticket } from '../ticket.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { Applier } from './applier.ts';

/** Returns when it streams. @throws StorkyError copy_interrupted where this ticket's copy is not complete here, link_lost after 30 s */
export async function followByApplying(
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  signal: AbortSignal,
): Promise<Applier> {
  await withClient(adminOf(instance), (client) => assertCopied(client, ticket));
  const applier = new Applier(instance, ticket, from);
  try {
    await applier.streams(signal);
    return applier;
  } catch (error) {
    await applier[Symbol.asyncDispose]();
    throw error;
  }
}
