import { cannotAddTo } from '../marker-table.ts';
import { storkySchema } from '../names.ts';
import type { Ticket } from '../ticket.ts';
import type { Client } from '../wire/connect.ts';

/** The copy is not what the source takes it for, and no stream mends it. */
export class Differs extends Error {}

/** So that the source opens a fresh ticket when it is asked again. Idempotent. */
export async function askForNewCopy(source: Client, { migration, id }: Ticket): Promise<void> {
  await source.query(
    `INSERT INTO ${storkySchema}.marker (migration, epoch, fingerprint) SELECT $1, 0, $2
      WHERE NOT EXISTS (SELECT FROM ${storkySchema}.marker WHERE migration = $1 AND epoch = 0 AND fingerprint = $2)`,
    [migration, cannotAddTo(id)],
  );
}
