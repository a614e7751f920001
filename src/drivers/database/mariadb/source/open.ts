import { randomBytes, randomUUID } from 'node:crypto';
import { definersOf } from '../external/definers.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { accountFor, storkySchema } from '../names.ts';
import type { Ticket } from '../ticket.ts';
import { type Address, type Client, withClient } from '../wire/connect.ts';
import { account, literal } from '../wire/sql.ts';
import { createObjects } from './objects.ts';
import { endOfLog, sayTaken } from './taken.ts';

/**
 * The ticket of a migration: the one that is there while the structure is the same and its position was not lost, else a new
 * one. The position itself is taken by the copy, which holds the snapshot.
 */
export async function openSource(
  client: Client,
  admin: Address,
  migration: string,
): Promise<{ ticket: Ticket; fresh: boolean }> {
  await createObjects(client);
  const fingerprint = await fingerprintOf(client);
  const known = await knownTicket(client, migration, fingerprint);
  if (known) return { ticket: withPassword(known, admin), fresh: false };
  const ticket = await newTicket(client, admin, migration, false);
  await rememberTicket(client, ticket, fingerprint);
  return { ticket, fresh: true };
}

/**
 * The same on a side that is still a copy. Its own log has nothing but its own writes, so nothing of the stream that it
 * follows ever goes back. The probe gives the log a position even where nothing was ever written.
 */
export async function openWayBack(client: Client, admin: Address, stream: string): Promise<Ticket> {
  await createObjects(client);
  const fingerprint = await fingerprintOf(client);
  const ticket = (await knownTicket(client, stream, fingerprint)) ?? (await newTicket(client, admin, stream, true));
  await rememberTicket(client, ticket, fingerprint);
  const probe = `INSERT INTO ${storkySchema}.marker (id, migration, epoch) VALUES ('${randomUUID()}', ${literal(stream)}, -1)`;
  await withClient(admin, (logged) => logged.query(probe), { logged: true });
  return ticket;
}

async function rememberTicket(client: Client, ticket: Ticket, fingerprint: string): Promise<void> {
  const values = [ticket.migration, JSON.stringify({ ...ticket, ...(ticket.share && { password: '' }) }), fingerprint]
    .map(literal)
    .join(', ');
  await client.query(`REPLACE INTO ${storkySchema}.ticket VALUES (${values}, ${ticket.back})`);
}

/** An administrator's is not written down there. */
const withPassword = (ticket: Ticket, { password }: Address): Ticket =>
  ticket.share ? { ...ticket, password } : ticket;

/** What the target writes when the log no longer has what comes next. */
export const lostPosition = (ticket: string) => `lost ${ticket}`;

async function knownTicket(client: Client, migration: string, fingerprint: string): Promise<Ticket | undefined> {
  const of = `migration = ${literal(migration)}`;
  const [row] = await client.query(`SELECT ticket, fingerprint, way_back FROM ${storkySchema}.ticket WHERE ${of}`);
  // A copy is of one structure. The way back copies nothing: every change of the structure is in its stream.
  if (!row || (row.fingerprint !== fingerprint && row.way_back !== '1')) return undefined;
  const ticket = JSON.parse(row.ticket!) as Ticket;
  const lost = `SELECT 1 FROM ${storkySchema}.marker WHERE ${of} AND epoch = 0 AND payload = ${literal(lostPosition(ticket.id))}`;
  return (await client.query(lost)).length > 0 ? undefined : ticket;
}

/** Reads everything, takes the moment of the copy, follows the log; writes only markers, on a side that is a copy too. */
async function makeReader(client: Client, migration: string): Promise<Pick<Ticket, 'account' | 'password'>> {
  const user = accountFor(migration);
  const password = randomBytes(24).toString('base64url');
  const named = account(user, '%');
  for (const statement of client.dialect.createReader(named, password)) await client.query(statement);
  await client.query(`GRANT INSERT ON ${storkySchema}.marker TO ${named}`);
  return { account: user, password };
}

/** Nobody who is not the server's own can give an account the rights to read a log: the administrator reads it himself. */
async function ofShare(client: Client, { user, password, share }: Address): Promise<Partial<Ticket>> {
  if (!share) return {};
  const { database, user: app } = share;
  return { account: user, password, share: { database, user: app }, definers: await definersOf(client, [database]) };
}

async function newTicket(client: Client, admin: Address, migration: string, back: boolean): Promise<Ticket> {
  const reader = admin.share ? { account: '', password: '' } : await makeReader(client, migration);
  // What is written from now on is kept for it, and nothing from before.
  const end = await endOfLog(client);
  if (end) await sayTaken(client, migration, end);
  const [server] = await client.query(client.dialect.identity);
  const { version, id, domain, names } = server!;
  return {
    id: randomUUID(),
    migration,
    ...reader,
    engine: client.dialect.server,
    version: version!,
    serverId: id!,
    domainId: domain!,
    lowerCaseTableNames: names!,
    back,
    ...(await ofShare(client, admin)),
  };
}
