import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

const batch = 500;

/**
 * A server that was restored from a backup may count on over the same numbers with other contents, and the stream goes on as if
 * nothing had been. But it has lost probes of this stream that have come here, which nobody ever deletes there.
 */
export async function sameHistory(here: Client, source: Client, stream: string): Promise<boolean> {
  const probes = (client: Client, more = '') =>
    client.query(`SELECT id FROM ${storkySchema}.marker WHERE migration = ${literal(stream)} AND epoch <> 0 ${more}`);
  const ids = (await probes(here)).map(({ id }) => id!);
  for (let at = 0; at < ids.length; at += batch) {
    const some = ids.slice(at, at + batch);
    const there = await probes(source, `AND id IN (${some.map(literal).join(', ')})`);
    if (there.length < some.length) return false;
  }
  return true;
}
