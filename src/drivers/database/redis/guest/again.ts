import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInstance } from '../../contract.ts';
import { letIn, shutOut } from '../doors.ts';
import { adminUser, nowhere } from '../names.ts';
import { recall, wasLeft } from '../server/memory.ts';
import { admit } from '../source/open.ts';
import { adminOf, ask, atomically, type Client, type Command, isUnknown, withClient } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

/** Loading takes about a second for each 100 MB. */
const patienceMs = 30 * 60_000;
/** While nobody listens there at all. */
const silenceMs = 120_000;

/** In the account of its container. */
export const asOwner = (instance: DatabaseInstance): DatabaseInstance => ({
  ...instance,
  adminUser: instance.user,
  adminPassword: instance.password,
});

export const ownAccount = ({ adminPassword }: DatabaseInstance): Command => [
  ...['ACL', 'SETUSER', adminUser, 'reset', 'on', `>${adminPassword}`, '~*', '&*', '+@all'],
];

/** Asked for at each start of its container: it is shut before it has loaded what it holds. */
export async function again(instance: DatabaseInstance): Promise<void> {
  const begun = performance.now();
  for (let heardAt = begun; ; await sleep(5))
    try {
      // Where Storky's account has gone, the connection makes everything again before it is there.
      const { loading } = await withClient(adminOf(instance), 'storky again', (client) =>
        infoOf(client, 'persistence'),
      );
      heardAt = performance.now();
      if (loading !== '1') return;
    } catch (error) {
      if (isUnknown(error as Error)) throw error;
      const now = performance.now();
      if (now > heardAt + silenceMs || now > begun + patienceMs) throw error;
    }
}

const underWay = new Map<string, Promise<void>>();

/** Called by a connection that was not let in. By whoever comes meanwhile it is waited for. */
export async function remade(instance: DatabaseInstance): Promise<void> {
  const { container } = instance.guest!;
  const known = underWay.get(container);
  if (known) return await known;
  const work = remake(instance).finally(() => underWay.delete(container));
  underWay.set(container, work);
  await work;
}

/**
 * Who it was before it was started anew. A side that was left, or is a copy, comes up as a master that lets everybody in:
 * in one transaction, which a server answers while it loads, Storky is let in and everybody else is not.
 */
async function remake(instance: DatabaseInstance): Promise<void> {
  if (await isThere(instance)) return;
  const memory = recall(instance);
  const closes = memory.role === 'standby' || wasLeft(memory);
  await withClient(adminOf(asOwner(instance)), 'storky again', async (client) => {
    const out = closes ? shutOut(instance, await ask<string[]>(client, 'ACL', 'LIST')) : [];
    await atomically(client, [ownAccount(instance), ...out]);
  });
  await withClient(knownAddress(instance), 'storky again', async (client) => {
    await loaded(client);
    if (closes) await ask(client, 'REPLICAOF', nowhere.host, nowhere.port);
    for (const ticket of Object.values(memory.tickets)) await admit(instance, client, ticket);
    if (closes && memory.role !== 'sealed') await letIn(instance, client);
  });
}

/** Of a connection that makes nothing again. */
function knownAddress(instance: DatabaseInstance) {
  const { again: _, ...address } = adminOf(instance);
  return { ...address, exactly: true };
}

const isThere = (instance: DatabaseInstance): Promise<boolean> =>
  withClient(knownAddress(instance), 'storky again', async () => true).catch((error: Error) => {
    if (isUnknown(error)) return false;
    throw error;
  });

async function loaded(client: Client): Promise<void> {
  while ((await infoOf(client, 'persistence')).loading === '1') await sleep(10);
}
