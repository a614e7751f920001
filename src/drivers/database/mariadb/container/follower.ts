import { createHash } from 'node:crypto';
import type { DatabaseInstance } from '../../contract.ts';
import type { Client } from '../wire/connect.ts';

/**
 * Both servers come from one image with one command, so both have the same server_id, and whoever follows would pass over all
 * that the other wrote, since it takes it for its own. So the side that follows takes a number of its own, until its server
 * starts again: then both have the same one, the server refuses to follow, says so, and this is called again. The side that
 * serves is left as it is: nothing about it depends on a setting that a restart would take away.
 */
export async function becomeFollower(client: Client, instance: DatabaseInstance): Promise<void> {
  if (!instance.guest) return;
  const number = followerNumber(instance);
  if ((await client.value('SELECT @@global.server_id')) === number) return;
  await client.query(client.dialect.takeNumber(number));
}

/** The same for as long as Storky has its account there. */
const followerNumber = ({ adminPassword }: DatabaseInstance): string =>
  String((createHash('sha256').update(adminPassword).digest().readUInt32BE(0) | 0x10000) >>> 0);
