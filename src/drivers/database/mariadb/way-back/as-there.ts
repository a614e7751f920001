import { probe } from '../target/probe.ts';
import { revokeExemptions } from '../target/standby.ts';
import type { Client } from '../wire/connect.ts';
import { sameEvents } from './same-events.ts';
import { sameLogins } from './same-logins.ts';
import { assertSameOnBothSides } from './same-structure.ts';

/**
 * The old home in front of a switch back: what its seal and the stream kept from being as it is on the other side, made so
 * before the freeze. Wants a session of its own. Throws `schema_changed`.
 */
export async function becomeAsThere(here: Client, there: Client, stream: string, signal: AbortSignal): Promise<void> {
  await revokeExemptions(here);
  await sameLogins(here, there);
  await sameEvents(here, there);
  await assertSameOnBothSides(here, there, async () => void (await probe(there, here, stream, signal)));
}
