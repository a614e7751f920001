import type { DatabaseInstance } from '../../contract.ts';
import { replaceAccounts } from '../accounts.ts';
import { appSchemas } from '../catalog.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import { createState } from './state.ts';
import { dropStream } from './stream.ts';

/** Empties the target for a new copy. Everything in it was a copy too, or nothing. */
export async function beginAnew(client: Client, instance: DatabaseInstance): Promise<void> {
  await dropStream(client);
  await client.dialect.forgetPosition(client);
  await client.query('SET foreign_key_checks = 0');
  for (const schema of [...(await appSchemas(client)), storkySchema])
    await client.query(`DROP DATABASE IF EXISTS ${identifier(schema)}`);
  await replaceAccounts(client, {}, instance);
  await createState(client);
}
