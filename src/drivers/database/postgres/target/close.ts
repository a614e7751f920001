import { storkySchema } from '../names.ts';
import { seal, sessionsGone } from '../source/seal.ts';
import { appliedStream, endSharedObjects, has } from '../streams.ts';
import { type Client, transaction } from '../wire/connect.ts';
import { allowWrites, opened } from './standby.ts';
import { disableSubscription, dropSubscription } from './subscription.ts';

/**
 * After the switch, off its path: nothing of the old side comes in any more, and the triggers go. Changes nothing where a
 * later switch has made this side a copy again.
 */
export async function settleActive(client: Client): Promise<void> {
  if (!(await opened(client))) return;
  await disableSubscription(client);
  await allowWrites(client);
}

/**
 * Removes what a stream made on the side where it was applied; the data stays. What another stream of this side needs stays
 * too. Idempotent.
 */
export async function closeTarget(client: Client, migration: string): Promise<void> {
  await dropSubscription(client, migration);
  const applied = await appliedStream(client);
  if (applied === undefined || applied === migration) await endCopy(client);
  await endSharedObjects(client);
}

async function endCopy(client: Client): Promise<void> {
  if (await sealedBefore(client)) {
    // It was not switched to: the seal that readers were let through is put back before writers are allowed (invariant 6).
    await seal(client);
    await sessionsGone(client);
  }
  await allowWrites(client);
  if (!(await has(client, 'copy'))) return;
  await transaction(client, async () => {
    await client.query(`DELETE FROM ${storkySchema}.copy; DELETE FROM ${storkySchema}.copy_step`);
  });
}

async function sealedBefore(client: Client): Promise<boolean> {
  if (!(await has(client, 'standby'))) return false;
  return (await client.query(`SELECT FROM ${storkySchema}.standby WHERE sealed_before AND NOT writable`)).rowCount! > 0;
}
