import { StorkyError } from '../../../../protocol/errors.ts';
import type { Ticket } from '../ticket.ts';
import { type Address, type Client, withClient } from '../wire/connect.ts';
import { askForNewCopy } from './differs.ts';

/**
 * A table that has joined the stream since the copy has rows from before that no stream brings, and no server brings them
 * here by itself: the source is told, so that everything is copied anew. @throws StorkyError schema_changed
 */
export async function assertNoneNew(admin: Address, ticket: Ticket, source: Client): Promise<void> {
  const published = await source.query(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_publication_tables WHERE pubname = $1",
    [ticket.publication],
  );
  const { rows } = await withClient(admin, (client) =>
    client.query('SELECT name FROM unnest($1::text[]) name WHERE to_regclass(name) IS NULL LIMIT 3', [
      published.rows.map(({ name }) => name),
    ]),
  );
  if (rows.length === 0) return;
  await askForNewCopy(source, ticket);
  const detail = `${rows.map(({ name }) => name).join(', ')} ${rows.length === 1 ? 'is' : 'are'} new, and everything has to be copied anew`;
  throw new StorkyError('schema_changed', { store: 'The database', detail });
}
