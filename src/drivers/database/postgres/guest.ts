import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { StorkyError } from '../../../protocol/errors.ts';
import type { DatabaseInstance, GuestOrder, GuestSupport } from '../contract.ts';
import { variableOf } from '../guest.ts';
import { adminRole } from './names.ts';
import { adminOf, type Client, stateOf, versionOf, withClient } from './wire/connect.ts';
import { quietly } from './wire/quietly.ts';
import { identifier, literal } from './wire/sql.ts';

/** The official image's variables, which what is built upon it keeps: https://github.com/docker-library/docs/tree/master/postgres */
export const guest: GuestSupport = { describe, welcome, dismiss };

async function describe({ app, addon, folder, host, guest, environment }: GuestOrder): Promise<DatabaseInstance> {
  const variable = (name: string) => variableOf(guest, environment, name);
  const user = (await variable('POSTGRES_USER')) || 'postgres';
  const password = (await variable('POSTGRES_PASSWORD')) ?? '';
  const database = (await variable('POSTGRES_DB')) || user;
  const place = { app, addon, folder, host, port: Number(environment.PGPORT || 5432), guest };
  const names = { database, user, password, adminUser: user, adminPassword: password };
  const instance = { ...place, ...names, engine: 'postgresql', plan: 'container', version: '' };
  return await withClient(adminOf(instance), async (client) => {
    await refuseWithoutRights(client, instance);
    await refuseOthers(client, instance);
    return { ...instance, version: String(await versionOf(client)) };
  });
}

/** The account that a password was given for is the first one's; some images make it less than that. */
async function refuseWithoutRights(client: Client, { user, addon }: DatabaseInstance): Promise<void> {
  const { rows } = await client.query('SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user');
  if (rows[0]?.super) return;
  throw new StorkyError('unsupported', {
    what: `The database ${addon}`,
    detail: `the account of its container's variables, ${user}, is no superuser`,
    hint: 'Give the app the database by its address instead: docs/databases-that-storky-does-not-run.md.',
  });
}

/** One addon is one database: another one in the same server would stay behind. */
async function refuseOthers(client: Client, { addon, database }: DatabaseInstance): Promise<void> {
  const { rows } = await client.query(
    `SELECT datname AS name FROM pg_database WHERE NOT datistemplate AND datname NOT IN ($1, 'postgres') ORDER BY 1`,
    [database],
  );
  if (rows.length === 0) return;
  throw new StorkyError('unsupported', {
    what: `The server of ${addon}`,
    detail: `it has more databases than ${database}: ${rows.map(({ name }) => name).join(', ')}`,
    hint: 'Move these by hand, or drop them where nobody uses them.',
  });
}

async function welcome(instance: DatabaseInstance): Promise<DatabaseInstance> {
  mkdirSync(instance.folder, { recursive: true, mode: 0o711 });
  if (instance.adminUser === adminRole && (await logsIn(instance))) return instance;
  const own = { adminUser: adminRole, adminPassword: randomBytes(24).toString('base64url') };
  await withClient(adminOf(asOwner(instance)), async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [adminRole]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${identifier(adminRole)}`);
    await quietly(client, () =>
      client.query(`ALTER ROLE ${identifier(adminRole)} LOGIN SUPERUSER PASSWORD ${literal(own.adminPassword)}`),
    );
  });
  return { ...instance, ...own };
}

/** False where the account has gone, as after a `dismiss` that nobody could write down. */
const logsIn = (instance: DatabaseInstance): Promise<boolean> =>
  withClient(adminOf(instance), async () => true).catch((error) => {
    if (stateOf(error)?.startsWith('28')) return false;
    throw error;
  });

const asOwner = (instance: DatabaseInstance): DatabaseInstance => ({
  ...instance,
  adminUser: instance.user,
  adminPassword: instance.password,
});

/** What it owns is the app's from then on: it made nothing that is not a part of the app's data, or gone by now. */
async function dismiss(instance: DatabaseInstance): Promise<DatabaseInstance> {
  const { user } = instance;
  const back = asOwner(instance);
  await withClient(adminOf(back), async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [adminRole]);
    if (rowCount === 0) return;
    await client.query(`REASSIGN OWNED BY ${identifier(adminRole)} TO ${identifier(user)}`);
    await client.query(`DROP OWNED BY ${identifier(adminRole)}`);
    await client.query(`DROP ROLE ${identifier(adminRole)}`);
  });
  return back;
}
