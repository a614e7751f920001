import type { DatabaseInstance } from '../../contract.ts';
import { roleOf } from '../server/role.ts';
import { quieten } from '../source/seal.ts';
import { refuseWrites } from '../target/standby.ts';
import type { Client } from '../wire/connect.ts';

/** A container that was started anew has the settings of its owner again: the passive side is closed once more. Idempotent. */
export async function keepRole(client: Client, instance: DatabaseInstance): Promise<void> {
  const role = roleOf(instance);
  if (!instance.guest || (role !== 'standby' && role !== 'sealed')) return;
  const [row] = await client.query('SELECT @@global.read_only AS closed, @@global.event_scheduler AS events');
  if (row!.closed !== '0' && row!.events !== 'ON') return;
  if (role === 'standby') await refuseWrites(client);
  else await quieten(client);
}
