import { StorkyError } from '../../../../protocol/errors.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { storkySchema } from '../names.ts';
import { assertSlot, notInSync } from '../source/slot.ts';
import type { Ticket, WayBackTicket } from '../ticket.ts';
import type { Client } from '../wire/connect.ts';

/** Is what the ticket names there, on the side that it is of? Throws `not_in_sync`, in words. */
export async function assertStream(source: Client, ticket: Ticket): Promise<void> {
  const { rows } = await source.query(
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS server,
      EXISTS (SELECT FROM pg_publication WHERE pubname = $1) AS published,
      has_table_privilege('${storkySchema}.marker', 'SELECT, INSERT') AS marks`,
    [ticket.publication],
  );
  const { server, published, marks } = rows[0];
  if (server !== ticket.systemIdentifier)
    throw notInSync('the other side is another server than the one that gave the ticket');
  await assertSlot(source, ticket.slot);
  if (!published || !marks) throw notInSync('its publication or its rights on the other side are gone');
}

/** Throws `schema_changed`. A new table would not be in the stream, and nobody would be told. */
export async function assertSameOverThere(source: Client, ticket: WayBackTicket): Promise<void> {
  if ((await fingerprintOf(source)) === ticket.fingerprint) return;
  throw new StorkyError('schema_changed', {
    store: 'The database',
    detail: 'its structure is not the one that both sides had at the switch, so it cannot be followed back',
  });
}

export const lost = (detail: string) => notInSync(`there is no way back: ${detail}`);
