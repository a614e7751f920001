import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { saveUsers } from '../save-users.ts';
import { recall, remember } from '../server/memory.ts';
import { appRights } from '../server/provision.ts';
import { nameIn } from '../surroundings.ts';
import { adminOf, ask, type Client, withClient } from '../wire/connect.ts';
import { reached, refused, tried } from './adopt.ts';
import { contentsOf } from './offer.ts';
import { forgetUnpacking } from './unpack.ts';

/** What there was before the move: the rules of the app's account, null where there was none. JSON, kept with the instance. */
export interface Before {
  account: string[] | null;
  [key: string]: unknown;
}

/** An empty server becomes the app's. Its account is made where it is not there; one that is there must be the app's own. */
export async function take(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  const before = await withClient(adminOf(instance), 'storky take', async (client): Promise<Before> => {
    await refuseContents(client, order.addon);
    const account = await rulesOf(client, order.user);
    if (account && recall(instance).made !== order.user) return { account };
    await makeAccount(client, instance);
    return { account: null };
  });
  const account = { ...adminOf(instance), user: order.user, password: order.password };
  await tried(order.addon, account, `the account ${order.user}`, async () => {});
  return { ...instance, external: { ...instance.external!, before } };
}

async function refuseContents(client: Client, addon: string): Promise<void> {
  const [some] = await contentsOf(client);
  if (some) throw refused(addon, `the server is not empty: it has ${some}`, 'Give the address of an empty one.');
}

async function rulesOf(client: Client, user: string): Promise<string[] | null> {
  const line = (await ask<string[]>(client, 'ACL', 'LIST')).find((one) => nameIn(one) === user);
  return line ? line.split(' ').slice(2) : null;
}

/** That it is made here is durable first: after a crash nobody else could tell. */
async function makeAccount(client: Client, instance: DatabaseInstance): Promise<void> {
  remember(instance, (memory) => {
    memory.made = instance.user;
  });
  await ask(client, 'ACL', 'SETUSER', instance.user, 'reset', ...rulesMade(instance));
  await saveUsers(instance, client);
}

const rulesMade = ({ password }: DatabaseInstance): string[] => [
  'on',
  `#${createHash('sha256').update(password).digest('hex')}`,
  ...appRights.split(' '),
];

/** Of the app's account, as it shall work with the data. */
export const rulesOfApp = (instance: DatabaseInstance): string[] =>
  (instance.external?.before as Before | undefined)?.account ?? rulesMade(instance);

/** As it was before `take`. */
export async function giveBack(instance: DatabaseInstance): Promise<void> {
  const before = instance.external?.before as Before | undefined;
  if (!before) return;
  if (existsSync(instance.folder)) await forgetUnpacking(instance);
  await withClient(adminOf(instance), 'storky give back', async (client) => {
    await emptyOut(client);
    if (before.account) await ask(client, 'ACL', 'SETUSER', instance.user, 'reset', ...before.account);
    else await ask(client, 'ACL', 'DELUSER', instance.user);
    await saveUsers(instance, client);
  });
}

/** It was empty when it was taken. */
export async function emptyOut(client: Client): Promise<void> {
  await ask(client, 'FLUSHALL');
  await ask(client, 'FUNCTION', 'FLUSH');
}
