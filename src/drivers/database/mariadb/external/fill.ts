import { randomBytes } from 'node:crypto';
import type { DatabaseInstance } from '../../contract.ts';
import type { Header } from '../backup.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { account, identifier } from '../wire/sql.ts';
import { refused } from './adopt.ts';
import { type Before, emptyOut } from './contents.ts';
import { makeAccount } from './made-accounts.ts';
import { partsOf } from './rights.ts';

/**
 * What a dump needs to find: an empty database with the character set that it had, and those in whose name something acts.
 * There is one database, so what has several does not fit.
 */
export async function prepareToFill(instance: DatabaseInstance, { schemas, definers }: Header): Promise<void> {
  if (schemas.length > 1)
    throw refused(
      instance.addon,
      `it is one database, and the source has ${schemas.length}: ${schemas.map(({ name }) => name).join(', ')}`,
      'Move it into a database that Storky runs.',
    );
  await withClient(adminOf(instance), async (client) => {
    await emptyOut(client, instance.external!.before as Before);
    for (const { charset, collation } of schemas)
      await client.query(
        `ALTER DATABASE ${identifier(instance.database)} CHARACTER SET ${charset} COLLATE ${collation}`,
      );
    for (const definer of definers) await makeDefiner(client, instance, definer);
  });
}

/** The app's own name may log in from wherever it did; the others may not. */
async function makeDefiner(client: Client, instance: DatabaseInstance, definer: string): Promise<void> {
  const [name, host] = partsOf(definer);
  if (host === '') return;
  const named = account(name, host);
  const own = name === instance.user;
  const password = own ? instance.password : randomBytes(24).toString('base64url');
  const how = await makeAccount(client, instance, named, password);
  if (how === 'made' && !own) await client.query(`ALTER USER ${named} ACCOUNT LOCK`);
}
