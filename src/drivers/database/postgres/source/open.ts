import { randomBytes, randomUUID } from 'node:crypto';
import { fingerprintOf } from '../fingerprint.ts';
import { cannotAddTo } from '../marker-table.ts';
import { adminRole, namesFor, storkySchema } from '../names.ts';
import { readSurroundings } from '../roles.ts';
import { type CopyTicket, isWayBack, type Ticket } from '../ticket.ts';
import { type Address, type Client, connect, disconnect } from '../wire/connect.ts';
import { quietly } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';
import { createAccount } from './account.ts';
import { addTables } from './add-tables.ts';
import { createObjects } from './objects.ts';
import { createPublication, prepareIdentities } from './publish.ts';
import { dropSlots } from './slot.ts';

export interface Opened {
  ticket: Ticket;
  fresh: boolean;
  /** Keeps the snapshot readable while it is open. */
  snapshot: Client | undefined;
}

/**
 * The ticket of a migration: the one that is there while its position can still be used, else a new one. It can be used
 * when the slot stands, the structure is the same, and either this process still holds the snapshot or the target said that
 * it has copied everything (and so needs none).
 */
export async function openSource(
  admin: Address,
  client: Client,
  migration: string,
  held: Client | undefined,
): Promise<Opened> {
  await createObjects(client);
  await addTables(client, migration);
  const known = await knownTicket(client, migration);
  if (known && (held || isWayBack(known) || (await copied(client, known))))
    return { ticket: withPassword(known, admin), fresh: false, snapshot: held };
  await disconnect(held);
  await dropSlots(client, namesFor(migration).slotPrefix);
  const { ticket, snapshot } = await newTicket(admin, client, migration);
  return { ticket, fresh: true, snapshot };
}

/** Did the target finish the copy that this ticket began? It says so with a row in the marker table. */
export async function copied(client: Client, ticket: Ticket): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM ${storkySchema}.marker WHERE migration = $1 AND epoch = 0 AND fingerprint = $2`,
    [ticket.migration, ticket.id],
  );
  return rowCount! > 0;
}

/**
 * The ticket whose position still stands. A way back is not given up for a structure that has changed: who follows it is
 * told so, and the change may be taken back.
 */
export async function knownTicket(client: Client, migration: string): Promise<Ticket | undefined> {
  const { rows } = await client.query<{ ticket: Ticket; fingerprint: string }>(
    `SELECT t.ticket, t.fingerprint FROM ${storkySchema}.ticket t JOIN pg_replication_slots s ON s.slot_name = t.ticket->>'slot'
      WHERE t.migration = $1 AND s.wal_status IS DISTINCT FROM 'lost' AND NOT EXISTS (SELECT FROM ${storkySchema}.marker m
        WHERE m.migration = $1 AND m.epoch = 0 AND m.fingerprint = ${literal(cannotAddTo(''))} || (t.ticket ->> 'id'))`,
    [migration],
  );
  if (!rows[0]) return undefined;
  const same = isWayBack(rows[0].ticket) || rows[0].fingerprint === (await fingerprintOf(client));
  return same ? rows[0].ticket : undefined;
}

async function newTicket(
  admin: Address,
  client: Client,
  migration: string,
): Promise<{ ticket: CopyTicket; snapshot: Client }> {
  const names = namesFor(migration);
  const reader = await readerFor(admin, client, names.role);
  const identities = await prepareIdentities(client);
  await createPublication(client, names.publication);
  const fingerprint = await fingerprintOf(client);
  const slot = await createSlot(admin, `${names.slotPrefix}${randomBytes(3).toString('hex')}`);
  try {
    const server = await serverFacts(client);
    const surroundings = await readSurroundings(client);
    const account = { ...reader, database: admin.database };
    const position = { slot: slot.name, snapshot: slot.snapshot, lsn: slot.lsn };
    const ticket: CopyTicket = {
      id: randomUUID(),
      migration,
      ...account,
      ...position,
      publication: names.publication,
      ...server,
      surroundings,
      identities,
    };
    await rememberTicket(client, ticket, fingerprint);
    return { ticket, snapshot: slot.client };
  } catch (error) {
    await disconnect(slot.client);
    throw error;
  }
}

/** On a server that Storky does not run, no account is made: the administrator's is the one that may read. */
async function readerFor(admin: Address, client: Client, role: string): Promise<{ role: string; password: string }> {
  if (admin.user !== adminRole) return { role: admin.user, password: admin.password };
  const password = randomBytes(24).toString('base64url');
  await createAccount(client, role, password);
  return { role, password };
}

/** The administrator's password is not written into the database. */
const withPassword = (ticket: Ticket, admin: Address): Ticket =>
  ticket.role === admin.user ? { ...ticket, password: admin.password } : ticket;

/** The slot's first position and the snapshot are the same moment: nothing is missed and nothing comes twice. */
async function createSlot(
  admin: Address,
  slot: string,
): Promise<{ client: Client; name: string; snapshot: string; lsn: string }> {
  const client = await connect(admin, { name: 'storky snapshot', replication: true });
  try {
    const { rows } = await client.query(`CREATE_REPLICATION_SLOT ${identifier(slot)} LOGICAL pgoutput EXPORT_SNAPSHOT`);
    return { client, name: slot, snapshot: rows[0].snapshot_name, lsn: rows[0].consistent_point };
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

export async function rememberTicket(client: Client, ticket: Ticket, fingerprint: string): Promise<void> {
  const written = ticket.role === client.user ? { ...ticket, password: '' } : ticket;
  await quietly(client, () =>
    client.query(
      `INSERT INTO ${storkySchema}.ticket VALUES ($1, $2, $3) ON CONFLICT (migration) DO UPDATE SET ticket = excluded.ticket, fingerprint = excluded.fingerprint`,
      [ticket.migration, JSON.stringify(written), fingerprint],
    ),
  );
}

export async function serverFacts(client: Client): Promise<Pick<Ticket, 'version' | 'systemIdentifier'>> {
  const { rows } = await client.query(
    `SELECT (current_setting('server_version_num')::int / 10000)::text AS version, system_identifier::text AS id FROM pg_control_system()`,
  );
  return { version: rows[0].version, systemIdentifier: rows[0].id };
}
