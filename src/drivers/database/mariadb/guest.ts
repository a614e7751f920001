import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { StorkyError } from '../../../protocol/errors.ts';
import type { DatabaseInstance, GuestOrder, GuestSupport } from '../contract.ts';
import { naturalOf, rememberNatural } from './container/natural.ts';
import { firstAccount } from './container/variables.ts';
import { titleOf } from './dialect/of-server.ts';
import { adminUser } from './names.ts';
import { adminOf, errnoOf, withClient } from './wire/connect.ts';
import { account, literal } from './wire/sql.ts';

/** Wherever Storky comes from: a container's address, and that of its host, may be another after a restart. */
const own = account(adminUser, '%');
const accessDenied = [1045, 1130, 1698, 4151];

export const guestOf = (engine: string): GuestSupport => ({
  describe: (order) => describe(engine, order),
  welcome,
  dismiss,
});

async function describe(engine: string, order: GuestOrder): Promise<DatabaseInstance> {
  const { app, addon, folder, host, guest, environment } = order;
  const known = await firstAccount(order);
  const port = Number(environment.MYSQL_TCP_PORT || 3306);
  const instance = { app, addon, folder, host, guest, port, ...known, engine, plan: 'container', version: '' };
  try {
    const version = await withClient(adminOf(instance), (client) =>
      client.value(`SELECT SUBSTRING_INDEX(VERSION(), '.', 2)`),
    );
    return { ...instance, version: version! };
  } catch (error) {
    if (!accessDenied.includes(errnoOf(error) ?? 0)) throw error;
    throw new StorkyError('engine_refused', {
      engine: `${titleOf(engine)} (${addon})`,
      detail: `the account of its container's variables cannot log in from this host: ${(error as Error).message}`,
      hint: `Where its password was changed since, change it back or write the new one into the compose file. ${known.adminUser} must be allowed to come from any host, as the image makes it.`,
    });
  }
}

async function welcome(instance: DatabaseInstance): Promise<DatabaseInstance> {
  mkdirSync(instance.folder, { recursive: true, mode: 0o711 });
  const welcomed = instance.adminUser === adminUser;
  if (welcomed && (await logsIn(instance))) return instance;
  const password = randomBytes(24).toString('base64url');
  await withClient(adminOf(welcomed ? asFirst(instance) : instance), async (client) => {
    const [row] = await client.query('SELECT @@global.server_id AS id, @@event_scheduler AS events');
    const first = welcomed ? naturalOf(instance).first : { user: instance.adminUser, password: instance.adminPassword };
    rememberNatural(instance, { serverId: row!.id!, eventScheduler: row!.events!, first });
    await client.query(`CREATE USER IF NOT EXISTS ${own} IDENTIFIED BY ${literal(password)}`);
    await client.query(`ALTER USER ${own} IDENTIFIED BY ${literal(password)} ACCOUNT UNLOCK`);
    await client.query(`GRANT ALL PRIVILEGES ON *.* TO ${own} WITH GRANT OPTION`);
  });
  return { ...instance, adminUser, adminPassword: password };
}

/** False where the account has gone, as after a `dismiss` that nobody could write down. */
const logsIn = (instance: DatabaseInstance): Promise<boolean> =>
  withClient(adminOf(instance), async () => true).catch((error) => {
    if (accessDenied.includes(errnoOf(error) ?? 0)) return false;
    throw error;
  });

function asFirst(instance: DatabaseInstance): DatabaseInstance {
  const { user, password } = naturalOf(instance).first;
  return { ...instance, adminUser: user, adminPassword: password };
}

/** The number that it had to follow with is given back too. */
async function dismiss(instance: DatabaseInstance): Promise<DatabaseInstance> {
  if (instance.adminUser !== adminUser) return instance;
  if (await logsIn(instance))
    await withClient(adminOf(instance), (client) =>
      client.batch(...client.dialect.giveNumberBack(naturalOf(instance).serverId), `DROP USER IF EXISTS ${own}`),
    );
  return asFirst(instance);
}
