import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { becomeFollower } from '../container/follower.ts';
import { proofChannel } from '../names.ts';
import { roleOf } from '../server/role.ts';
import { sealServer } from '../source/seal-server.ts';
import { copyOf, createState, rememberCopy } from '../target/state.ts';
import { dropStream } from '../target/stream.ts';
import type { Ticket } from '../ticket.ts';
import type { Client } from '../wire/connect.ts';

/**
 * The sealed side becomes the copy of the other from the turn on. The row that says so is last: after a crash before it, all
 * of it is done again; after it, nothing, since the stream may have gone further than the turn.
 */
export async function beginStream(
  here: Client,
  instance: DatabaseInstance,
  ticket: Ticket,
  turn: string | null,
): Promise<void> {
  const copy = await copyOf(here);
  if (copy?.ticket === ticket.id) return;
  if (copy?.migration === ticket.migration)
    throw impossible('the other side no longer has what this side has to follow');
  if (roleOf(instance) !== 'sealed') throw impossible('this side was not left by a switch');
  if (turn === null) throw impossible('nobody knows where the other side began to be written');
  await sealServer(here, instance);
  await dropStream(here);
  await dropStream(here, proofChannel);
  await createState(here);
  await becomeFollower(here, instance);
  await here.dialect.beginAt(here, turn);
  await rememberCopy(here, ticket, turn);
}

const impossible = (detail: string) => new StorkyError('not_in_sync', { store: 'The database', detail });
