import { StorkyError } from '../../../../protocol/errors.ts';
import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { appSchemas } from '../catalog.ts';
import { adminUser as ownAdmin } from '../names.ts';
import { compareVersions } from '../server/versions.ts';
import { type Address, adminOf, errnoOf, withClient } from '../wire/connect.ts';
import { readAddress } from './address.ts';

/** Rights have had their names since. */
const oldest = '10.5';

/** Both accounts log in, and they are two. Changes nothing. */
export async function adopt(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  await tried(order.addon, appOf(instance), `the account ${order.user}`);
  return instance;
}

/** The app's own account there. */
export function appOf(instance: DatabaseInstance): Address {
  return { ...adminOf(instance), user: instance.user, password: instance.password };
}

/** The administrator logs in, and is not the app. */
export async function reached(order: AdoptOrder): Promise<DatabaseInstance> {
  const { app, addon, user, password, folder } = order;
  const { parameters, ...place } = readAddress(order);
  if (user === place.adminUser || place.adminUser === ownAdmin)
    throw refused(
      addon,
      'the app logs in as the administrator of the address: its sessions could not be told from those that move the data',
      'Give the app an account of its own, or give another one as the administrator.',
    );
  const draft = { app, addon, user, password, folder, ...place, engine: 'mariadb', plan: 'external', version: '' };
  const external = { parameters: await settled(addon, { ...draft, external: { parameters } }, parameters) };
  const instance = { ...draft, external };
  const version = await tried(addon, adminOf(instance), 'the administrator');
  if (compareVersions(version, oldest) < 0)
    throw refused(addon, `it is ${version}`, `Upgrade it to ${oldest} at least, or carry it by hand.`);
  return { ...instance, version };
}

/** `PREFERRED`: encrypted where the server can. Found out once, so that it cannot be talked out of it later. */
async function settled(
  addon: string,
  instance: DatabaseInstance,
  parameters: Record<string, string>,
): Promise<Record<string, string>> {
  if (parameters['ssl-mode'] !== 'PREFERRED') return parameters;
  try {
    await withClient(adminOf(instance), async () => {});
    return { ...parameters, 'ssl-mode': 'REQUIRED' };
  } catch (error) {
    if ((error as { code?: string }).code === 'HANDSHAKE_NO_SSL_SUPPORT')
      return { ...parameters, 'ssl-mode': 'DISABLED' };
    throw inWords(addon, error, 'the administrator');
  }
}

/** Logs in, sees the database, and gives the version. */
export async function tried(addon: string, address: Address, who: string): Promise<string> {
  let seen: string[];
  let version: string;
  try {
    [seen, version] = await withClient(address, async (client) => [
      await appSchemas(client),
      (await client.value(`SELECT SUBSTRING_INDEX(VERSION(), '.', 2)`))!,
    ]);
  } catch (error) {
    throw inWords(addon, error, who);
  }
  if (seen.length > 0) return version;
  throw refused(
    addon,
    `${who} sees no database ${address.share!.database} there`,
    'Give the name that it has there, and the account a right in it.',
  );
}

function inWords(addon: string, error: unknown, who: string): StorkyError {
  if (error instanceof StorkyError) return error;
  const detail = `${who} cannot log in: ${(error as Error).message}`;
  const hint = [1045, 1044, 1698, 4151].includes(errnoOf(error) ?? 0)
    ? 'Give the name and the password that the server knows.'
    : 'The address must be one that this region reaches, of the server itself and not of a proxy.';
  return refused(addon, detail, hint);
}

export const refused = (addon: string, detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: `MariaDB (${addon})`, detail, hint });
