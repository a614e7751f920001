import type { Redis } from 'ioredis';
import { digests, page } from '../verify/keys.ts';
import { keyspaceOf, parseInfo } from '../wire/info.ts';

/** Of every key, by its database and name. Ends the connection. */
export async function digestsOf(client: Redis): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { db } of keyspaceOf(parseInfo(await client.info('keyspace')))) {
    await client.select(db);
    for (let cursor = '0'; ; ) {
      const next = await page(client, cursor);
      for (const [key, digest] of await digests(client, next.keys, 'reading')) found.set(`${db} ${key}`, digest);
      cursor = next.cursor;
      if (cursor === '0') break;
    }
  }
  client.disconnect();
  return found;
}
