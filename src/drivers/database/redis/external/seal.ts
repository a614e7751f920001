import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { letIn, shutOut } from '../doors.ts';
import { saveUsers } from '../save-users.ts';
import { remember } from '../server/memory.ts';
import { usualPings } from '../source/fence.ts';
import { ask, askAll, atomically, type Client, type Command } from '../wire/connect.ts';
import { type Position, parseInfo, positionOf } from '../wire/info.ts';
import { ifAllowed } from './refusals.ts';

/** `PING`, as a master says it to its replicas. No command that writes is as short. */
const pingBytes = 14;

/**
 * Nobody but the administrator may log in (invariant 6). The server stays a master, for those who watch over it: it may be one
 * of several, and nothing follows back into it. The pause is left to end by itself, so that no key ends before the other side is open.
 *
 * `marked` is where the stream ended when the marker was written; of what came after it, a single ping is nobody's write.
 * @throws StorkyError timeout where somebody wrote after the marker
 */
export async function sealExternal(instance: DatabaseInstance, client: Client, marked?: Position): Promise<void> {
  remember(instance, (memory) => {
    memory.role = 'sealed';
  });
  if (marked) await shutOutSilent(instance, client, marked);
  else await shutOutWhereAllowed(instance, client);
}

async function shutOutSilent(instance: DatabaseInstance, client: Client, marked: Position): Promise<void> {
  const out = shutOut(instance, await ask<string[]>(client, 'ACL', 'LIST'));
  const position: Command[] = [['INFO', 'replication']];
  const answers = await atomically(client, [...out, ...position, ...usualPings(instance)]);
  const now = positionOf(parseInfo(answers[out.length] as string));
  if (!isSilent(marked, now))
    throw new StorkyError('timeout', { what: 'The fence', seconds: 'its budget of', where: 'the source' });
  await saveUsers(instance, client);
}

/** After a backup, or once more. Where the account may not, the server stays open: the app has left it all the same. */
async function shutOutWhereAllowed(instance: DatabaseInstance, client: Client): Promise<void> {
  const users = await ifAllowed(ask<string[]>(client, 'ACL', 'LIST'));
  const shut = users && (await ifAllowed(askAll(client, shutOut(instance, users))));
  if (shut) await saveUsers(instance, client);
  else
    log.warn(
      { addon: instance.addon },
      'the account may not shut others out: the server that the app has left is open',
    );
}

const isSilent = (marked: Position, now: Position): boolean =>
  now.history === marked.history && [0, pingBytes].includes(now.offset - marked.offset);

/** Open again as before the seal, and without a pause. Idempotent, from any state. */
export async function unsealExternal(instance: DatabaseInstance, client: Client): Promise<void> {
  await ifAllowed(letIn(instance, client));
  remember(instance, (memory) => {
    if (memory.role === 'sealed') memory.role = 'active';
  });
  await ifAllowed(ask(client, 'CLIENT', 'UNPAUSE'));
  for (const command of usualPings(instance)) await ask(client, ...command);
}
