import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { quietly } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';
import { reached, refused, tried } from './adopt.ts';
import { type Before, beforeOf, contentsOf, emptyOut } from './contents.ts';
import { dropMadeRoles, isMade, makeRole } from './made-roles.ts';

/** An empty database becomes the app's. Its account is made where it is not there; one that is there must be the app's own. */
export async function take(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  const before = await withClient(adminOf(instance), async (client) => {
    await refuseContents(client, order.addon);
    const known = await beforeOf(client);
    await makeAccount(client, instance);
    return known;
  });
  await tried(
    order.addon,
    { ...adminOf(instance), user: order.user, password: order.password },
    `the account ${order.user}`,
  );
  return { ...instance, external: { ...instance.external!, before } };
}

async function refuseContents(client: Client, addon: string): Promise<void> {
  const contents = await contentsOf(client);
  if (contents.length === 0) return;
  throw refused(addon, `the database is not empty: it has ${contents[0]}`, 'Give the address of an empty one.');
}

async function makeAccount(client: Client, { addon, user, password }: DatabaseInstance): Promise<void> {
  await makeRole(client, user, 'LOGIN', password);
  if (!(await isMade(client, user))) return await refuseWeak(client, addon, user);
  // Made by an earlier attempt, it may have had another one.
  await quietly(client, () => client.query(`ALTER ROLE ${identifier(user)} PASSWORD ${literal(password)}`));
  const { rows } = await client.query('SELECT current_database() AS name');
  await client.query(`GRANT ALL ON DATABASE ${identifier(rows[0].name)} TO ${identifier(user)}`);
  await client.query(`GRANT ALL ON SCHEMA public TO ${identifier(user)}`);
}

/** One that is there already is given nothing, since nobody would know afterwards what it had. */
async function refuseWeak(client: Client, addon: string, user: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT has_database_privilege($1, current_database(), 'CREATE') AND has_schema_privilege($1, 'public', 'CREATE')
      AND pg_has_role($1, 'MEMBER') AS may, current_database() AS database`,
    [user],
  );
  if (rows[0].may) return;
  const [role, database, admin] = [user, rows[0].database, client.user!].map(identifier);
  throw refused(
    addon,
    `the account ${user} is there already, and has not the rights that the app needs`,
    `Run: GRANT ALL ON DATABASE ${database} TO ${role}; GRANT ALL ON SCHEMA public TO ${role}; GRANT ${role} TO ${admin};`,
  );
}

/** As it was before `take`. */
export async function giveBack(instance: DatabaseInstance): Promise<void> {
  const before = instance.external?.before as Before | undefined;
  if (!before) return;
  await withClient(adminOf(instance), async (client) => {
    await emptyOut(client, before);
    await dropMadeRoles(client);
  });
}
