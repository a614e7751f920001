import { StorkyError } from '../../../../protocol/errors.ts';
import type { Client } from '../wire/connect.ts';

/** Drops every slot of a migration, ending whoever reads from it. Idempotent. */
export async function dropSlots(client: Client, prefix: string): Promise<void> {
  const { rows } = await client.query('SELECT slot_name FROM pg_replication_slots WHERE starts_with(slot_name, $1)', [
    prefix,
  ]);
  for (const { slot_name } of rows) await dropSlot(client, slot_name as string);
}

export async function dropSlot(client: Client, slot: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { rows } = await client.query('SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1', [slot]);
    if (!rows[0]) return;
    if (rows[0].active_pid) await client.query('SELECT pg_terminate_backend($1)', [rows[0].active_pid]);
    else if (await tryDrop(client, slot)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the replication slot ${slot} stays in use`);
}

/** False when a reader took it in between. */
async function tryDrop(client: Client, slot: string): Promise<boolean> {
  return client.query('SELECT pg_drop_replication_slot($1)', [slot]).then(
    () => true,
    () => false,
  );
}

/** Bytes of log that the slots of a stream keep. */
export async function retainedBy(client: Client, prefix: string): Promise<number> {
  const { rows } = await client.query(
    `SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float8 AS bytes
      FROM pg_replication_slots WHERE starts_with(slot_name, $1)`,
    [prefix],
  );
  return rows[0].bytes as number;
}

/** Throws `not_in_sync` when it is gone, or lost: the server has removed log that was not taken yet. */
export async function assertSlot(client: Client, slot: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT wal_status = 'lost' AS lost, current_setting('max_slot_wal_keep_size') AS most FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  if (!rows[0]) throw notInSync('its slot on the source is gone; it has to be copied anew');
  if (rows[0].lost)
    throw notInSync(
      `its slot is lost, as the source would have had to keep more than ${rows[0].most} of log for it; it has to be copied anew`,
    );
}

export const notInSync = (detail: string) => new StorkyError('not_in_sync', { store: 'The database', detail });
