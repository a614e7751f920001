import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { letIn, shutOut } from '../doors.ts';
import { nowhere } from '../names.ts';
import { recall, remember, wasLeft } from '../server/memory.ts';
import { refused } from '../server/server.ts';
import { ask, askAll, atomically, type Client, type Command } from '../wire/connect.ts';
import { type Position, parseInfo, positionOf, samePosition } from '../wire/info.ts';
import { usualPings } from './fence.ts';

/**
 * The durable half of the fence (invariant 6): nobody but Storky may log in, and the server replicates from nowhere, so it
 * refuses every writer. Then it also drops no key whose time is over: its stream stays where the marker ended it, and the
 * way back can go on from there. Ends the pause in the same moment.
 *
 * `marked` is where the stream ended when the marker was written. If it ends elsewhere once everybody is out, somebody
 * wrote after the marker, because the pause had run out: then the switch must not go on. @throws StorkyError timeout
 */
export async function seal(instance: DatabaseInstance, client: Client, marked?: Position): Promise<void> {
  const [users, [kind]] = (await askAll(client, [['ACL', 'LIST'], ['ROLE']])) as [string[], [string]];
  remember(instance, (memory) => {
    if (!wasLeft(memory)) memory.follows = null;
    memory.role = 'sealed';
  });
  const out = shutOut(instance, users);
  // Sealed once more, it may follow the way back already, and goes on with that.
  const alone: Command[] = kind === 'master' ? [['REPLICAOF', nowhere.host, nowhere.port]] : [];
  const answers = await atomically(client, [
    ...out,
    ['INFO', 'replication'],
    ...alone,
    ['CLIENT', 'UNPAUSE'],
    ...usualPings(instance),
  ]);
  if (marked && !samePosition(marked, positionOf(parseInfo(answers[out.length] as string))))
    throw new StorkyError('timeout', { what: 'The fence', seconds: 'its budget of', where: 'the source' });
}

/**
 * Open again as before the seal, for a switch that backed out. Idempotent.
 * @throws StorkyError engine_refused where the way back was begun: then the other side is the one that serves (invariant 1)
 */
export async function unseal(instance: DatabaseInstance, client: Client): Promise<void> {
  const memory = recall(instance);
  if (wasLeft(memory)) {
    if (memory.follows !== null)
      throw refused('this side follows the one that a switch opened', 'Switch in the other direction.');
    remember(instance, (memory) => {
      memory.role = 'active';
    });
    await ask(client, 'REPLICAOF', 'NO', 'ONE');
  }
  await letIn(instance, client);
}
