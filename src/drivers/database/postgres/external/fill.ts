import type { DatabaseInstance } from '../../contract.ts';
import type { Role, Surroundings } from '../roles.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { identifier, literal } from '../wire/sql.ts';
import { type Before, emptyOut } from './contents.ts';
import { isMade, makeRole } from './made-roles.ts';

/**
 * What a dump needs to find: an empty database, and the roles that it names. On a server that others use too nothing of
 * the database itself is made anew, roles that are there stay as they are, and none gets a superuser's rights.
 */
export async function prepareToFill(instance: DatabaseInstance, from: Surroundings): Promise<void> {
  await withClient(adminOf(instance), async (client) => {
    await emptyOut(client, instance.external!.before as Before);
    for (const role of from.roles) await makeRole(client, role.name, harmless(role), role.password ?? null);
    const owners = [...new Set([instance.user, from.database.owner])];
    for (const owner of owners) await letWork(client, instance.database, owner);
    await bringSettings(client, instance, from);
    await joinGroups(client, from);
  });
}

const harmless = ({ attributes, connectionLimit }: Role) => {
  const kept = attributes.split(' ').filter((word) => /^(NO)?(LOGIN|INHERIT)$/.test(word));
  return `${kept.join(' ')} CONNECTION LIMIT ${connectionLimit}`;
};

/** The database keeps its owner; who owned it on the source may do the same in it. */
async function letWork(client: Client, database: string, role: string): Promise<void> {
  if (!(await isMade(client, role))) return;
  await client.query(`GRANT ALL ON DATABASE ${identifier(database)} TO ${identifier(role)}`);
  await client.query(`GRANT ALL ON SCHEMA public TO ${identifier(role)}`);
}

/** Those of the database become the app's account's in it, so that they go with it. */
async function bringSettings(client: Client, { database, user }: DatabaseInstance, from: Surroundings): Promise<void> {
  for (const { role, name, value } of from.settings) {
    const of = role ?? user;
    if (!(await isMade(client, of))) continue;
    const list = ['search_path', 'temp_tablespaces'].includes(name) && value !== '';
    await client.query(
      `ALTER ROLE ${identifier(of)} IN DATABASE ${identifier(database)} SET ${identifier(name)} TO ${list ? value : literal(value)}`,
    );
  }
}

async function joinGroups(client: Client, { members }: Surroundings): Promise<void> {
  for (const { role, member } of members)
    if ((await isMade(client, role)) && (await isMade(client, member)))
      await client.query(`GRANT ${identifier(role)} TO ${identifier(member)}`);
}
