import type { DatabaseInstance } from '../../contract.ts';
import { proofChannel } from '../names.ts';
import { clearRole, roleOf, sealedBefore } from '../server/role.ts';
import { forgetSeal, quieten } from '../source/seal.ts';
import { sealServer } from '../source/seal-server.ts';
import type { Client } from '../wire/connect.ts';
import { allowWrites, restoreRights } from './standby.ts';
import { dropStream } from './stream.ts';

/**
 * This side is a copy no longer. Its data stays, and so does the seal of a switch (invariant 6): an old home that was made
 * ready for a switch back, which was not made, is sealed again. Idempotent.
 */
export async function endCopy(client: Client, instance: DatabaseInstance): Promise<void> {
  await dropStream(client);
  await dropStream(client, proofChannel);
  if (sealedBefore(instance)) await sealServer(client, instance);
  const sealed = roleOf(instance) === 'sealed';
  clearRole(instance, 'standby', 'opened');
  await restoreRights(client);
  if (sealed) return quieten(client);
  await forgetSeal(client);
  await client.query(allowWrites(instance));
}
