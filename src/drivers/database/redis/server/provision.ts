import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { giveToAccount } from '../../../../base/account.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../../../base/atomic-file.ts';
import { freePort } from '../../../../base/free-port.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance, ProvisionOrder } from '../../contract.ts';
import { adminUser } from '../names.ts';
import { ofServer } from '../surroundings.ts';
import { serverPath } from './binaries.ts';
import { ownedFolder, startServer } from './server.ts';
import { usersFile } from './settings.ts';

/** Every stage looks at what is there, so that after a kill at any point the next call takes over. */
export async function provision(order: ProvisionOrder): Promise<DatabaseInstance> {
  await serverPath(order.version);
  if (/\s/.test(order.user))
    throw new StorkyError('bad_request', { detail: 'a user name of Redis has no blanks', field: 'user' });
  ownedFolder(order.folder);
  const instance = await nameAndPort(order);
  if (!existsSync(usersFile(instance))) {
    writeFileAtomic(usersFile(instance), users(instance));
    giveToAccount(usersFile(instance));
  }
  await startServer(instance);
  return instance;
}

/** Names, port and passwords are durable before anything is made with them. */
async function nameAndPort(order: ProvisionOrder): Promise<DatabaseInstance> {
  const path = join(order.folder, 'instance.json');
  const known = readJson<DatabaseInstance>(path);
  if (known) return known;
  const { app, addon, plan, version, database, user, password, folder } = order;
  const instance: DatabaseInstance = {
    ...{ app, addon, plan, version, database, user, password, folder },
    engine: 'redis',
    host: '127.0.0.1',
    port: await freePort(),
    adminUser,
    adminPassword: randomBytes(24).toString('base64url'),
  };
  writeJsonAtomic(path, instance);
  return instance;
}

/** An app may do anything with its data and nothing with the server: it could lift a pause, or change who replicates. */
export const appRights = `~* &* +@all -@admin ${ofServer}`;

/** `default` is who gives a password and no name, as older clients do. */
function users({ user, password, adminPassword }: DatabaseInstance): string {
  const hashed = (secret: string) => `#${createHash('sha256').update(secret).digest('hex')}`;
  const app = [...new Set(['default', user])].map((name) => `user ${name} on ${hashed(password)} ${appRights}\n`);
  return `user ${adminUser} on ${hashed(adminPassword)} ~* &* +@all\n${app.join('')}`;
}
