import type { Client } from '../wire/connect.ts';
import { literal, qualified } from '../wire/sql.ts';

const brought = `SELECT EVENT_SCHEMA AS s, EVENT_NAME AS n, DEFINER AS definer, SQL_MODE AS mode, TIME_ZONE AS zone,
    CHARACTER_SET_CLIENT AS charset, COLLATION_CONNECTION AS collation
  FROM information_schema.EVENTS WHERE STATUS IN ('SLAVESIDE_DISABLED', 'REPLICA_SIDE_DISABLED') AND ORIGINATOR <> @@server_id`;

/**
 * An event that was made or changed on the other side is switched off by the stream that brings it. It gets the state that it
 * has there; that it does not run yet is what the scheduler is stopped for. Wants a session of its own.
 */
export async function sameEvents(here: Client, there: Client): Promise<void> {
  for (const event of await here.query(brought)) {
    const [theirs] = await there.query(
      `SELECT STATUS AS state FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ${literal(event.s!)} AND EVENT_NAME = ${literal(event.n!)}`,
    );
    const state = theirs && here.dialect.eventStates[theirs.state!];
    if (!state) continue;
    // ALTER EVENT keeps nothing of the session that the event was made in: so it is made again in one like that.
    await here.query(
      `SET sql_mode = ${literal(event.mode!)}, time_zone = ${literal(event.zone!)}, character_set_client = ${event.charset}, collation_connection = ${event.collation}`,
    );
    await here.query(`ALTER DEFINER = ${definer(event.definer!)} EVENT ${qualified(event.s!, event.n!)} ${state}`);
  }
}

/** `user@host`, of which the user may have an @ too. */
function definer(text: string): string {
  const at = text.lastIndexOf('@');
  return `${literal(text.slice(0, at))}@${literal(text.slice(at + 1))}`;
}
