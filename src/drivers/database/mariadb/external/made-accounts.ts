import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { type Client, errnoOf } from '../wire/connect.ts';
import { grantable, literal } from '../wire/sql.ts';

const there = 1396;
const fileOf = ({ folder }: Pick<DatabaseInstance, 'folder'>) => join(folder, 'made-accounts.json');
const made = (instance: Pick<DatabaseInstance, 'folder'>) => readJson<string[]>(fileOf(instance)) ?? [];

/**
 * One that is not there is made, may do everything in the database, and is remembered beside the instance. One that is there
 * stays as it is. Where this process dies between the two, it is taken for somebody else's: it is left, and not dropped.
 */
export async function makeAccount(
  client: Client,
  instance: DatabaseInstance,
  named: string,
  password: string,
): Promise<'made' | 'there'> {
  const known = made(instance);
  try {
    await client.query(`CREATE USER ${named} IDENTIFIED BY ${literal(password)}`);
    mkdirSync(instance.folder, { recursive: true });
    if (!known.includes(named)) writeJsonAtomic(fileOf(instance), [...known, named]);
  } catch (error) {
    if (errnoOf(error) !== there) throw error;
    if (!known.includes(named)) return 'there';
    // Made by an earlier attempt, it may have had another one.
    await client.query(`ALTER USER ${named} IDENTIFIED BY ${literal(password)}`);
  }
  await client.query(`GRANT ALL PRIVILEGES ON ${grantable(instance.database)}.* TO ${named}`);
  return 'made';
}

export async function dropMadeAccounts(client: Client, instance: DatabaseInstance): Promise<void> {
  for (const named of made(instance)) await client.query(`DROP USER IF EXISTS ${named}`);
  if (made(instance).length > 0) writeJsonAtomic(fileOf(instance), []);
}
