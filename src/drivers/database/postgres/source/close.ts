import { copiesFor } from '../marker-table.ts';
import { namesFor, storkySchema } from '../names.ts';
import { endSharedObjects, has } from '../streams.ts';
import { type Client, transaction } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import { dropSlot, dropSlots } from './slot.ts';

/**
 * Removes what a stream made on the side that it was read from. Idempotent, also for what was half made. A seal stays
 * (invariant 6), and so does what another stream of this side needs.
 */
export async function closeSource(client: Client, migration: string): Promise<void> {
  const names = namesFor(migration);
  await dropSlots(client, names.slotPrefix);
  await dropCopySlots(client, migration);
  await client.query(`DROP PUBLICATION IF EXISTS ${identifier(names.publication)}`);
  await dropRole(client, names.role);
  await forgetTicket(client, migration);
  await endSharedObjects(client);
}

/** Where the target was lost while its server made the first copy of a table, the slot of that is left; see add-tables.ts there. */
async function dropCopySlots(client: Client, migration: string): Promise<void> {
  if (!(await has(client, 'marker'))) return;
  const { rows } = await client.query<{ slot: string }>(
    `SELECT s.slot_name AS slot FROM pg_replication_slots s JOIN ${storkySchema}.marker m
        ON s.slot_name ~ ('^pg_[0-9]+_sync_[0-9]+_' || substr(m.fingerprint, $2) || '$')
      WHERE m.migration = $1 AND m.epoch = 0 AND starts_with(m.fingerprint, $3) AND s.database = current_database()`,
    [migration, copiesFor('').length + 1, copiesFor('')],
  );
  for (const { slot } of rows) await dropSlot(client, slot);
}

async function forgetTicket(client: Client, migration: string): Promise<void> {
  if (!(await has(client, 'ticket'))) return;
  await transaction(client, async () => {
    await client.query(`DELETE FROM ${storkySchema}.ticket WHERE migration = $1`, [migration]);
    await client.query(`DELETE FROM ${storkySchema}.way_back WHERE stream = $1`, [migration]);
  });
}

async function dropRole(client: Client, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  if (rowCount === 0) return;
  await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [name]);
  await client.query(`DROP OWNED BY ${identifier(name)}`);
  await client.query(`DROP ROLE ${identifier(name)}`);
}
