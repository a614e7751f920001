import { randomBytes } from 'node:crypto';
import type { DatabaseInstance } from '../../contract.ts';
import { verdictsOn } from '../external/refusals.ts';
import { markerChannel, replicationUser } from '../names.ts';
import { saveUsers } from '../save-users.ts';
import { recall, remember } from '../server/memory.ts';
import { type Ticket, whose } from '../ticket.ts';
import { ask, type Client, type Command } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';
import { giveBack, makeRoom } from './sizes.ts';

/** What an administrator may be refused on a server that Storky does not run, and then the account that it makes has not either. */
const optional: Record<string, Command> = { '+config|get': ['CONFIG', 'GET', 'save'] };

/** Follows the stream, and reads what verification compares. Writes nothing but markers. */
const rights = [
  ...['reset', 'on', '%R~*', `&${markerChannel}`],
  ...['+psync', '+replconf', '+ping', '+info', '+client|id', '+client|setname', '+spublish'],
  ...['+acl|list', '+config|get', '+function|list', '+select', '+scan', '+exists', '+type'],
  ...['+strlen', '+llen', '+scard', '+zcard', '+hlen', '+xlen'],
  ...['+getrange', '+lrange', '+zrange', '+xrange', '+hscan', '+sscan'],
  ...['+pexpiretime', '+xinfo|stream', '+xinfo|groups', '+debug|digest-value'],
];

/** The account and the room that following needs. Made again, it is the same ticket. Idempotent. */
export async function openSource(
  instance: DatabaseInstance,
  client: Client,
  migration: string,
  copyLimit: number | null,
): Promise<{ ticket: Ticket; fresh: boolean }> {
  const known = recall(instance).tickets[migration];
  const ticket = known ?? { ...(await newTicket(client, migration)), ...whose(instance) };
  // Durable first: an account that nobody remembers would never be removed.
  if (!known)
    remember(instance, ({ tickets }) => {
      tickets[migration] = ticket;
    });
  await admit(instance, client, ticket);
  await saveUsers(instance, client);
  await makeRoom(instance, client, copyLimit);
  return { ticket, fresh: !known };
}

/** The target's account. Idempotent. */
export async function admit(instance: DatabaseInstance, client: Client, ticket: Ticket): Promise<void> {
  const given = instance.external || instance.guest ? await foreignRights(client) : rights;
  await ask(client, 'ACL', 'SETUSER', ticket.user, ...given, `>${ticket.password}`);
}

/** Removes what `openSource` made; a seal stays (invariant 6). Idempotent. */
export async function closeSource(instance: DatabaseInstance, client: Client, migration: string): Promise<void> {
  // Ends its connections too, the stream among them.
  await ask(client, 'ACL', 'DELUSER', replicationUser(migration));
  await saveUsers(instance, client);
  remember(instance, ({ tickets }) => {
    delete tickets[migration];
  });
  if (Object.keys(recall(instance).tickets).length === 0) await giveBack(instance, client);
}

/** On a server with settings of its own, values are compared without the command that a server refuses unless it was started with it. */
async function foreignRights(client: Client): Promise<string[]> {
  const verdicts = await verdictsOn(client, Object.values(optional));
  const refused = Object.keys(optional).filter((_, n) => verdicts[n] !== 'may');
  return rights.filter((rule) => rule !== '+debug|digest-value' && !refused.includes(rule));
}

async function newTicket(client: Client, migration: string): Promise<Ticket> {
  const { redis_version: version } = await infoOf(client, 'server');
  const password = randomBytes(24).toString('base64url');
  return { engine: 'redis', migration, user: replicationUser(migration), password, version: version! };
}
