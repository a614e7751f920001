import { StorkyError } from '../../../../protocol/errors.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Client } from '../wire/connect.ts';

/**
 * The stream brings every change of the structure, unless somebody kept one out of the log. `caughtUp` waits until what the
 * other side has by now is here. Throws `schema_changed`.
 */
export async function assertSameOnBothSides(here: Client, there: Client, caughtUp: () => Promise<void>): Promise<void> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const theirs = await fingerprintOf(there);
    await caughtUp();
    if (theirs === (await fingerprintOf(here))) return;
  }
  const detail = 'the structure is not the same on both sides';
  throw new StorkyError('schema_changed', { store: 'The database', detail });
}
