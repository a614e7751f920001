import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { account, grantable } from '../wire/sql.ts';
import { appOf, reached, refused, tried } from './adopt.ts';
import { type Before, contentsOf, createStatement, emptyOut } from './contents.ts';
import { Grants } from './grants.ts';
import { dropMadeAccounts, makeAccount } from './made-accounts.ts';

/** What an app does with its own tables. */
const ofApp = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'ALTER', 'DROP', 'INDEX'];

/** An empty database becomes the app's. Its account is made where it is not there; one that is there must be the app's own. */
export async function take(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  const before = await withClient(adminOf(instance), async (client): Promise<Before> => {
    await refuseContents(client, order.addon);
    await makeAccount(client, instance, account(order.user, '%'), order.password);
    return { create: await createStatement(client, instance.database) };
  });
  await tried(order.addon, appOf(instance), `the account ${order.user}`);
  await refuseWeak(instance);
  return { ...instance, external: { ...instance.external!, before } };
}

async function refuseContents(client: Client, addon: string): Promise<void> {
  const contents = await contentsOf(client);
  if (contents.length === 0) return;
  throw refused(addon, `the database is not empty: it has ${contents[0]}`, 'Give the address of an empty one.');
}

/** One that is there already is given nothing, since nobody would know afterwards what it had. */
async function refuseWeak(instance: DatabaseInstance): Promise<void> {
  const { addon, user, database } = instance;
  const grants = await withClient(appOf(instance), Grants.of);
  if (ofApp.every((right) => grants.hasIn(database, right))) return;
  throw refused(
    addon,
    `the account ${user} is there already, and has not the rights that the app needs`,
    `Run: GRANT ALL PRIVILEGES ON ${grantable(database)}.* TO ${account(user, '%')};`,
  );
}

/** As it was before `take`. */
export async function giveBack(instance: DatabaseInstance): Promise<void> {
  const before = instance.external?.before as Before | undefined;
  if (!before) return;
  await withClient(adminOf(instance), async (client) => {
    await emptyOut(client, before);
    await dropMadeAccounts(client, instance);
  });
}
