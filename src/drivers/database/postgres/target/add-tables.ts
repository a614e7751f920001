import { StorkyError } from '../../../../protocol/errors.ts';
import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { shortLock } from '../identities.ts';
import { cannotAddTo, copiesFor } from '../marker-table.ts';
import { namesFor, storkySchema } from '../names.ts';
import { notInSync } from '../source/slot.ts';
import { isWayBack, sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, type Client, stateOf, withClient } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';
import { tablesSql } from './schema.ts';
import { refuseWrites } from './standby.ts';

interface Table {
  schema: string;
  name: string;
}

/**
 * The target's half of source/add-tables.ts: makes the tables that have joined the stream, and lets the server bring what
 * they hold, in the background. That is the server's own first copy of a table, which ends where the stream goes on; nothing
 * is missed or comes twice. Idempotent, also after a crash at any point. Says whether there was anything to bring.
 */
export async function addTables(
  instance: DatabaseInstance,
  ticket: Ticket,
  source: Client,
  from: SourceEndpoint,
): Promise<boolean> {
  if (isWayBack(ticket)) return false;
  return withClient(adminOf(instance), async (client) => {
    const missing = await notFollowed(client, source, ticket);
    if (missing.length === 0) return false;
    await noteWhoCopies(client, source, ticket);
    await makeTables(client, instance, ticket, from, missing).catch((error) => refuse(error, source, ticket));
    await refuseWrites(client, shortLock);
    await refresh(client, ticket);
    return true;
  });
}

/** What the server does not take cannot be added: with a word of that, the source opens a fresh ticket for a copy of everything. */
async function refuse(error: Error, source: Client, { migration, id }: Ticket): Promise<never> {
  const state = stateOf(error);
  if (!state || !/^[0-9A-Z]{5}$/.test(state) || /^(08|40|53|55|57)/.test(state)) throw error;
  await source.query(`INSERT INTO ${storkySchema}.marker (migration, epoch, fingerprint) VALUES ($1, 0, $2)`, [
    migration,
    cannotAddTo(id),
  ]);
  throw new StorkyError('schema_changed', { store: 'The database', detail: error.message }, { cause: error });
}

/** @throws StorkyError not_in_sync while one of them is not followed, or on its way */
export async function assertNoneAdded(instance: DatabaseInstance, ticket: Ticket, source: Client): Promise<void> {
  if (isWayBack(ticket)) return;
  const missing = await withClient(adminOf(instance), async (client) => [
    ...(await notFollowed(client, source, ticket)),
    ...(await onTheirWay(client, ticket)),
  ]);
  if (missing.length === 0) return;
  const names = missing.slice(0, 3).map(({ schema, name }) => `${schema}.${name}`);
  throw notInSync(`${names.join(', ')} ${missing.length === 1 ? 'is' : 'are'} new, and brought first`);
}

async function notFollowed(client: Client, source: Client, { migration, publication }: Ticket): Promise<Table[]> {
  const published = await source.query<Table>(
    'SELECT schemaname AS schema, tablename AS name FROM pg_publication_tables WHERE pubname = $1',
    [publication],
  );
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
      JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.subname = $1`,
    [namesFor(migration).subscription],
  );
  const known = new Set(rows.map(({ schema, name }) => qualified(schema, name)));
  if (known.size === 0) return []; // no subscription yet: whoever makes it takes all
  return published.rows.filter(({ schema, name }) => !known.has(qualified(schema, name)));
}

/** The server's copies have slots of their own on the source, named after this server: close.ts there looks for them. */
async function noteWhoCopies(client: Client, source: Client, { migration }: Ticket): Promise<void> {
  const { rows } = await client.query('SELECT system_identifier::text AS id FROM pg_control_system()');
  await source.query(
    `INSERT INTO ${storkySchema}.marker (migration, epoch, fingerprint) SELECT $1, 0, $2
      WHERE NOT EXISTS (SELECT FROM ${storkySchema}.marker WHERE migration = $1 AND epoch = 0 AND fingerprint = $2)`,
    [migration, copiesFor(rows[0].id)],
  );
}

/** All in one commit, waiting shortly and often: foreign keys and partitions lock tables that the stream writes to. */
async function makeTables(
  client: Client,
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  tables: Table[],
): Promise<void> {
  const there = await Promise.all(tables.map((table) => exists(client, table)));
  const absent = tables.filter((_, n) => !there[n]);
  if (absent.length === 0) return;
  const sql = await tablesSql(ticket, sourceAddress(ticket, from), instance, absent);
  // A session of its own: the script changes the session's settings.
  await withClient(adminOf(instance), (own) => shortLock(own, async () => void (await own.query(sql))));
}

async function exists(client: Client, { schema, name }: Table): Promise<boolean> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [qualified(schema, name)]);
  return rows[0].there;
}

/** Connects to the source, for the list of tables. */
async function refresh(client: Client, { migration }: Ticket): Promise<void> {
  const subscription = identifier(namesFor(migration).subscription);
  await client.query(`ALTER SUBSCRIPTION ${subscription} REFRESH PUBLICATION WITH (copy_data = true)`);
}

async function onTheirWay(client: Client, { migration }: Ticket): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
      JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE s.subname = $1 AND r.srsubstate <> 'r'`,
    [namesFor(migration).subscription],
  );
  return rows;
}
