import type { DatabaseInstance } from '../../contract.ts';
import { sealShare } from '../external/app-accounts.ts';
import { roleOf, setRole } from '../server/role.ts';
import { adminOf, type Client } from '../wire/connect.ts';
import { createSealTable, quieten, sessionsGone, shutOut, shutOutNewcomers, stopEvents } from './seal.ts';

/** The seal where no fence holds the tables: of a side that was left in an earlier switch. Idempotent. */
export async function sealServer(client: Client, instance: DatabaseInstance): Promise<void> {
  const remember = () => setRole(instance, 'sealed');
  if (client.share) return await sealShare(client, adminOf(instance), remember);
  await client.batch(...createSealTable);
  await shutOut(client, remember);
  await stopEvents(client);
  await sessionsGone(client);
  await quieten(client);
}

/** The stream brings accounts too. Whoever it lets in on a sealed side is shut out like the others. */
export async function keepShut(client: Client, instance: DatabaseInstance): Promise<void> {
  if (roleOf(instance) === 'sealed') await shutOutNewcomers(client);
}
