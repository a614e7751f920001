import { StorkyError } from '../../../../protocol/errors.ts';
import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { isOurUser } from '../names.ts';
import { byLine, lineOf, oldest } from '../server/binaries.ts';
import { type Address, adminOf, withClient } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';
import { readAddress } from './address.ts';
import { isRefusal } from './refusals.ts';

/** Both accounts log in, and they are two. Changes nothing. */
export async function adopt(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  const { addon, user, password } = order;
  await tried(addon, { ...adminOf(instance), user, password }, `the account ${user}`, async () => {});
  return instance;
}

/** The administrator logs in, and is not the app. */
export async function reached(order: AdoptOrder): Promise<DatabaseInstance> {
  const { app, addon, user, password, folder } = order;
  const { parameters, ...place } = readAddress(order);
  if (user === place.adminUser || isOurUser(place.adminUser))
    throw refused(
      addon,
      'the app logs in as the administrator of the address: its sessions could not be told from those that move the data',
      'Make an administrator of its own, with ACL SETUSER keeper on >PASSWORD ~* &* +@all, and give its address.',
    );
  if (/\s/.test(user))
    throw new StorkyError('bad_request', {
      detail: 'a user name of Redis has no blanks',
      field: `addons.${addon}.user`,
    });
  const names = { app, addon, user, password, folder, ...place, engine: 'redis', plan: 'external', database: '0' };
  const instance = { ...names, version: '', external: { parameters } };
  const version = await tried(addon, adminOf(instance), 'the administrator', async (client) => {
    const { redis_version } = await infoOf(client, 'server');
    return lineOf(redis_version!);
  });
  if (byLine(version, oldest) < 0)
    throw refused(addon, `it is ${version}, and ${oldest} is the oldest that can be used`, 'Have it upgraded first.');
  return { ...instance, version };
}

/** Logs in, and does that. @throws StorkyError engine_refused, in words */
export async function tried<T>(
  addon: string,
  address: Address,
  who: string,
  use: (client: Parameters<Parameters<typeof withClient<T>>[2]>[0]) => Promise<T>,
): Promise<T> {
  try {
    return await withClient(address, 'storky adopt', use);
  } catch (error) {
    if (error instanceof StorkyError) throw error;
    throw inWords(addon, error as Error, who, address);
  }
}

function inWords(addon: string, error: Error, who: string, { user, tls }: Address): StorkyError {
  if (isRefusal(error))
    return refused(addon, `${who} may not ask for its version: ${error.message}`, `Run: ACL SETUSER ${user} +info`);
  const detail = `${who} cannot log in: ${error.message}`;
  if (/^(WRONGPASS|NOAUTH)/.test(error.message))
    return refused(addon, detail, 'Give the name and the password that the server knows.');
  const encryption = tls ? 'rediss:// is for a server that encrypts' : 'a server that encrypts needs rediss://';
  return refused(addon, detail, `The address must be one that this region reaches; ${encryption}.`);
}

export const refused = (addon: string, detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: `Redis (${addon})`, detail, hint });
