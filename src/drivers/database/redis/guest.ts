import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { DatabaseInstance, GuestOrder, GuestSupport } from '../contract.ts';
import { again, asOwner, ownAccount } from './guest/again.ts';
import { configurationOf } from './guest/configuration.ts';
import { refuseUnfit, unsupported } from './guest/fit.ts';
import { adminUser, isOurUser } from './names.ts';
import { lineOf } from './server/binaries.ts';
import { forget } from './server/memory.ts';
import { giveBack } from './source/sizes.ts';
import { nameIn } from './surroundings.ts';
import { adminOf, ask, isUnknown, withClient } from './wire/connect.ts';
import { infoOf } from './wire/info.ts';

/**
 * A server in a container has no file of users as a rule: it forgets Storky's accounts, and the seal, with each start. What
 * they are stands in Storky's memory, and is made again from there.
 */
export const guest: GuestSupport = { describe, welcome, dismiss, again };

async function describe(order: GuestOrder): Promise<DatabaseInstance> {
  const { app, addon, folder, host, guest } = order;
  const { port, passwords } = await configurationOf(order);
  const place = { app, addon, folder, host, port, guest: { ...guest, forgets: true as const } };
  for (const password of passwords) {
    const names = { database: '0', user: 'default', password, adminUser: 'default', adminPassword: password };
    const instance = { ...place, ...names, engine: 'redis', plan: 'container', version: '' };
    const described = await withClient(adminOf(instance), 'storky adopt', async (client) => {
      const { redis_version: version } = await infoOf(client, 'server');
      await refuseUnfit(client, addon, version!);
      return { ...instance, version: lineOf(version!) };
    }).catch((error: Error) => {
      if (isUnknown(error)) return undefined;
      throw error;
    });
    if (described) return described;
  }
  throw unsupported(addon, 'no password that its container says lets the account without a name in');
}

async function welcome(instance: DatabaseInstance): Promise<DatabaseInstance> {
  mkdirSync(instance.folder, { recursive: true, mode: 0o711 });
  if (instance.adminUser === adminUser) {
    await withClient(adminOf(instance), 'storky welcome', async () => {}); // made again where it has gone
    return instance;
  }
  const welcomed = { ...instance, adminUser, adminPassword: randomBytes(24).toString('base64url') };
  await withClient(adminOf(instance), 'storky welcome', (client) => ask(client, ...ownAccount(welcomed)));
  return welcomed;
}

async function dismiss(instance: DatabaseInstance): Promise<DatabaseInstance> {
  const back = asOwner(instance);
  await withClient(adminOf(back), 'storky dismiss', async (client) => {
    await giveBack(instance, client);
    const ours = (await ask<string[]>(client, 'ACL', 'LIST')).map(nameIn).filter(isOurUser);
    if (ours.length > 0) await ask(client, 'ACL', 'DELUSER', ...ours);
  });
  forget(instance);
  return back;
}
