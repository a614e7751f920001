import { randomBytes, randomUUID } from 'node:crypto';
import { fingerprintOf } from '../fingerprint.ts';
import { namesFor, storkySchema } from '../names.ts';
import { createAccount } from '../source/account.ts';
import { createObjects } from '../source/objects.ts';
import { knownTicket, rememberTicket, serverFacts } from '../source/open.ts';
import { createPublication, prepareIdentities } from '../source/publish.ts';
import { dropSlots } from '../source/slot.ts';
import { opened } from '../target/standby.ts';
import type { WayBackTicket } from '../ticket.ts';
import { type Client, stateOf } from '../wire/connect.ts';
import { lost } from './stream.ts';

/**
 * Invariant 7: on the copy, what the stream back will need. Its slot keeps the log from now on; what is applied here until
 * the turn is skipped by whoever follows it (begin.ts), and not kept for long (advance.ts). It exports no snapshot, so no
 * dead row is kept for it. Idempotent: the same ticket while its slot stands and the structure is the same.
 */
export async function openWayBack(client: Client, stream: string): Promise<WayBackTicket> {
  await createObjects(client);
  const known = (await knownTicket(client, stream)) as WayBackTicket | undefined;
  const active = await opened(client);
  if (known && (active || known.fingerprint === (await fingerprintOf(client)))) return known;
  // A new one would begin now, and not with the first write here.
  if (active) throw lost('its slot is gone, and this side serves already');
  await dropSlots(client, namesFor(stream).slotPrefix);
  return newTicket(client, stream);
}

async function newTicket(client: Client, stream: string): Promise<WayBackTicket> {
  const { role, publication, slotPrefix } = namesFor(stream);
  const password = randomBytes(24).toString('base64url');
  await createAccount(client, role, password);
  const identities = await prepareIdentities(client);
  await createPublication(client, publication);
  const fingerprint = await fingerprintOf(client);
  const slot = await createSlot(client, `${slotPrefix}${randomBytes(3).toString('hex')}`);
  const { rows } = await client.query('SELECT current_database() AS database');
  const account = { role, password, database: rows[0].database as string };
  const server = await serverFacts(client);
  const ticket = {
    id: randomUUID(),
    migration: stream,
    ...account,
    slot,
    publication,
    ...server,
    identities,
    fingerprint,
  };
  // Before the ticket: what is asked for again finds a ticket only where its turn will be said.
  await client.query(
    `INSERT INTO ${storkySchema}.way_back (stream) VALUES ($1) ON CONFLICT (stream) DO UPDATE SET turn = NULL`,
    [stream],
  );
  await rememberTicket(client, ticket, fingerprint);
  return ticket;
}

/** It begins when every transaction that is open now has ended; none of a copy's is long. Throws `not_in_sync` after 30 s. */
async function createSlot(client: Client, name: string): Promise<string> {
  await client.query(`SET statement_timeout = '30s'`);
  try {
    await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
    return name;
  } catch (error) {
    throw stateOf(error) === '57014' ? lost('a transaction on the copy does not end') : error;
  } finally {
    await client.query('RESET statement_timeout');
  }
}
