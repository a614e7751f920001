import { carriedTables } from '../catalog.ts';
import { changedIdentities, changeIdentity, type Identity, shortLock } from '../identities.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';
import { identitiesSql } from './objects.ts';

/** Gives every table the identity that UPDATE and DELETE need in a stream, on whichever side of it. Idempotent. */
export async function prepareIdentities(client: Client): Promise<Identity[]> {
  const { rows } = await client.query<Identity & { wanted: string | null }>(identitiesSql);
  for (const { wanted, ...identity } of rows) if (wanted) await changeIdentity(client, identity, wanted);
  return changedIdentities(client);
}

export async function createPublication(client: Client, name: string): Promise<void> {
  const publication = identifier(name);
  const tables = [{ schema: storkySchema, name: 'marker' }, ...(await carriedTables(client))];
  await shortLock(client, async () => {
    await client.query(`DROP PUBLICATION IF EXISTS ${publication}`);
    await client.query(
      `CREATE PUBLICATION ${publication} FOR TABLE ${tables.map((t) => `ONLY ${qualified(t.schema, t.name)}`).join(', ')}`,
    );
  });
}
