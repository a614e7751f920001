import { log } from '../../../../base/log.ts';
import { storkySchema } from '../names.ts';
import { type Address, type Client, stateOf, withClient } from '../wire/connect.ts';

/** Each time the log since the server's last checkpoint of its transactions is read again, up to 15 s of it. */
const everyMs = 5000;

/**
 * While this side is a copy, the slot of the way back moves with it: little log is kept, and little is read at the turn.
 * Nothing depends on how far it has come.
 */
export class SlotAdvance {
  readonly #admin: Address;
  #notBefore = 0;
  #running: Promise<void> | undefined;

  constructor(admin: Address) {
    this.#admin = admin;
  }

  /** Nobody waits for it; not more than a twentieth of the time is spent on it. */
  occasionally(): void {
    if (!this.#running && performance.now() >= this.#notBefore) void this.now();
  }

  /** Never throws. */
  now(): Promise<void> {
    this.#running ??= this.#advance().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #advance(): Promise<void> {
    const began = performance.now();
    await withClient(this.#admin, advanceSlots).catch((error: Error) => {
      log.debug({ detail: error.message }, 'the slot of the way back stays where it is');
    });
    const now = performance.now();
    this.#notBefore = now + Math.max(everyMs, 20 * (now - began));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }
}

/** Never past the first write of the app: the position is read first, and then it is asked whether anybody could write yet. */
export async function advanceSlots(client: Client): Promise<void> {
  const there = await client.query(`SELECT to_regclass('${storkySchema}.way_back') IS NOT NULL AS there`);
  if (!there.rows[0].there) return;
  const { rows } = await client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  const slots = await client.query(
    `SELECT s.slot_name FROM ${storkySchema}.way_back w JOIN ${storkySchema}.ticket t ON t.migration = w.stream
      JOIN pg_replication_slots s ON s.slot_name = t.ticket ->> 'slot'
      WHERE w.turn IS NULL AND NOT s.active AND s.confirmed_flush_lsn < $1 AND s.wal_status IS DISTINCT FROM 'lost'
        AND EXISTS (SELECT FROM ${storkySchema}.standby WHERE NOT writable)`,
    [rows[0].lsn],
  );
  for (const { slot_name } of slots.rows)
    await client.query('SELECT pg_replication_slot_advance($1, $2)', [slot_name, rows[0].lsn]).catch((error) => {
      // Somebody proves it at this moment.
      if (stateOf(error) !== '55006') throw error;
    });
}
