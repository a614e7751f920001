import { StorkyError } from '../../../../protocol/errors.ts';
import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { shortLock } from '../identities.ts';
import { ddlLock, namesFor, storkySchema } from '../names.ts';
import { prepareIdentities } from '../source/publish.ts';
import { sealed } from '../source/seal.ts';
import { dropSlots } from '../source/slot.ts';
import { stepDone } from '../target/copy-job.ts';
import { createTargetFunctions } from '../target/marker-trigger.ts';
import { begunWith } from '../target/reset.ts';
import { refuseWrites } from '../target/standby.ts';
import { createSubscription, dropSubscription } from '../target/subscription.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, type Client, transaction, withClient } from '../wire/connect.ts';
import { assertStream, lost } from './stream.ts';

/**
 * Makes the sealed side a copy that is complete at the turn, in place of copying. Every part can be done again after a
 * crash; the last commit says that it is done, and from then on a call changes nothing.
 */
export async function beginWayBack(instance: DatabaseInstance, ticket: Ticket, from: SourceEndpoint): Promise<void> {
  await withClient(adminOf(instance), async (client) => {
    await client.query(`SELECT pg_advisory_lock(${ddlLock + 2})`);
    if ((await begunWith(instance, ticket)) && (await stepDone(client, 'copied'))) return;
    const turn = await withClient(sourceAddress(ticket, from), (source) => turnOf(source, ticket));
    if (!(await sealed(client))) throw lost('this side is not sealed');
    // The other side has everything (`turn` says so), and what is applied here from now on must not go back to it.
    await dropSlots(client, 'storky_');
    await becomeCopy(client, ticket);
    await prepareIdentities(client);
    await subscribeFrom(client, ticket, from, turn);
    await client.query(`INSERT INTO ${storkySchema}.copy_step VALUES ('copied')`);
  });
}

/** The other side's own word, from the commit that opened it: see opening.ts for why nobody else's will do. */
async function turnOf(source: Client, ticket: Ticket): Promise<string> {
  await assertStream(source, ticket);
  const { rows } = await source.query(`SELECT turn::text FROM ${storkySchema}.way_back WHERE stream = $1`, [
    ticket.migration,
  ]);
  if (rows[0]?.turn) return rows[0].turn as string;
  throw new StorkyError('not_in_sync', { store: 'The database', detail: 'the other side is not active yet' });
}

/** The locks of the freeze may still stand for a moment: they go when the last of the app's sessions has ended. */
async function becomeCopy(client: Client, ticket: Ticket): Promise<void> {
  await refuseWrites(client, shortLock);
  await createTargetFunctions(client);
  await transaction(client, async () => {
    await client.query(`DELETE FROM ${storkySchema}.copy; DELETE FROM ${storkySchema}.copy_step`);
    await client.query(`INSERT INTO ${storkySchema}.copy VALUES ($1, $2)`, [ticket.id, ticket.migration]);
  });
}

/**
 * From the turn on, whatever the slot has been told: what the other side has applied from here lies before it, and comes
 * back to nobody. The position is written to the log at once and not with the transaction, hence the subscription is
 * committed before; both are on disk with the commit that says `copied`, before which nothing runs.
 */
async function subscribeFrom(client: Client, ticket: Ticket, from: SourceEndpoint, turn: string): Promise<void> {
  await dropSubscription(client, ticket.migration);
  await createSubscription(client, ticket, from, false);
  await client.query(
    `SELECT pg_replication_origin_advance('pg_' || s.oid, $2::pg_lsn) FROM pg_subscription s WHERE s.subname = $1
      AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [namesFor(ticket.migration).subscription, turn],
  );
}
