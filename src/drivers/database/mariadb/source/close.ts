import { accountFor, proofChannel, storkySchema } from '../names.ts';
import { dropUnneeded, forgetStream, storkyTables } from '../storky-schema.ts';
import { dropStream } from '../target/stream.ts';
import type { Client } from '../wire/connect.ts';
import { account } from '../wire/sql.ts';
import { endSessionsOf } from './sessions.ts';

/**
 * Removes what a stream made in the source. Idempotent, also for what was half made. A seal stays (invariant 6), and so does
 * what a stream in the other direction has here.
 */
export async function closeSource(client: Client, migration: string): Promise<void> {
  if (!client.share) await dropReader(client, migration);
  if (client.share) await forgetInShare(client, migration);
  else await forgetStream(client, migration, 'marker', 'ticket');
  await dropUnneeded(client);
}

async function dropReader(client: Client, migration: string): Promise<void> {
  // Of an attempt whose agent died while it proved the way back.
  await dropStream(client, proofChannel);
  const user = accountFor(migration);
  await client.query(`DROP USER IF EXISTS ${account(user, '%')}`);
  await endSessionsOf(client, user);
}

/**
 * There everything is in the log. A stream of another app's move brings every marker from its copy on, and would end at one
 * that is deleted here and was never there: so markers go when nobody follows any more.
 */
async function forgetInShare(client: Client, migration: string): Promise<void> {
  await forgetStream(client, migration, 'ticket');
  const there = await storkyTables(client);
  const followed =
    there.has('ticket') && (await client.query(`SELECT 1 FROM ${storkySchema}.ticket LIMIT 1`)).length > 0;
  if (there.has('marker') && !followed) await client.query(`DELETE FROM ${storkySchema}.marker`);
}
