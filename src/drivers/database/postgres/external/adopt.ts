import { StorkyError } from '../../../../protocol/errors.ts';
import type { AdoptOrder, DatabaseInstance } from '../../contract.ts';
import { adminRole } from '../names.ts';
import { type Address, adminOf, stateOf, versionOf, withClient } from '../wire/connect.ts';
import { readAddress } from './address.ts';

/** Both accounts log in, and they are two. Changes nothing. */
export async function adopt(order: AdoptOrder): Promise<DatabaseInstance> {
  const instance = await reached(order);
  await tried(
    order.addon,
    { ...adminOf(instance), user: order.user, password: order.password },
    `the account ${order.user}`,
  );
  return instance;
}

/** The administrator logs in, and is not the app. */
export async function reached(order: AdoptOrder): Promise<DatabaseInstance> {
  const { app, addon, user, password, folder } = order;
  const { parameters, ...place } = readAddress(order);
  if (user === place.adminUser || place.adminUser === adminRole)
    throw refused(
      addon,
      'the app logs in as the administrator of the address: its sessions could not be told from those that move the data',
      'Give the app an account of its own, or give another one as the administrator.',
    );
  const draft = { app, addon, user, password, folder, ...place, engine: 'postgresql', plan: 'external', version: '' };
  const external = { parameters: await settled(addon, { ...draft, external: { parameters } }, parameters) };
  const instance = { ...draft, external };
  return { ...instance, version: await tried(addon, adminOf(instance), 'the administrator') };
}

/** `prefer`: encrypted where the server can. Found out once, so that it cannot be talked out of it later. */
async function settled(
  addon: string,
  instance: DatabaseInstance,
  parameters: Record<string, string>,
): Promise<Record<string, string>> {
  if ((parameters.sslmode ?? 'prefer') !== 'prefer') return parameters;
  try {
    await withClient(adminOf(instance), async () => {});
    return { ...parameters, sslmode: 'require' };
  } catch (error) {
    if (/does not support SSL/.test((error as Error).message)) return { ...parameters, sslmode: 'disable' };
    throw inWords(addon, error, 'the administrator');
  }
}

/** Logs in, and gives the major version. */
export async function tried(addon: string, address: Address, who: string): Promise<string> {
  try {
    return await withClient(address, async (client) => String(await versionOf(client)));
  } catch (error) {
    throw inWords(addon, error, who);
  }
}

function inWords(addon: string, error: unknown, who: string): StorkyError {
  const detail = `${who} cannot log in: ${(error as Error).message}`;
  const hint = /^28/.test(stateOf(error) ?? '')
    ? 'Give the name and the password that the server knows.'
    : 'The address must be one that this region reaches, of the server itself and not of a pooler.';
  return refused(addon, detail, hint);
}

export const refused = (addon: string, detail: string, hint: string) =>
  new StorkyError('engine_refused', { engine: `PostgreSQL (${addon})`, detail, hint });
