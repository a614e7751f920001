import { accountFor, proofChannel } from '../names.ts';
import { dropUnneeded, forgetStream } from '../storky-schema.ts';
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
  await forgetStream(client, migration, 'marker', 'ticket');
  await dropUnneeded(client);
}

async function dropReader(client: Client, migration: string): Promise<void> {
  // Of an attempt whose agent died while it proved the way back.
  await dropStream(client, proofChannel);
  const user = accountFor(migration);
  await client.query(`DROP USER IF EXISTS ${account(user, '%')}`);
  await endSessionsOf(client, user);
}
