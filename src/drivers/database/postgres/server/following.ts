import type { DatabaseInstance, FollowingSetting } from '../../contract.ts';
import { adminOf, connect, disconnect, stateOf, withClient } from '../wire/connect.ts';

/** What the settings that Storky writes say, unless somebody has overruled them since. */
const ours = ['wal_level', 'max_wal_senders', 'max_replication_slots'];

export const following: FollowingSetting = {
  allow: (instance) =>
    withClient(adminOf(instance), async (client) => {
      if ((await client.query('SHOW wal_level')).rows[0].wal_level === 'logical') return 'holds';
      if (!instance.external && !instance.guest) {
        for (const name of ours) await client.query(`ALTER SYSTEM RESET ${name}`);
        return 'after-restart';
      }
      try {
        await client.query("ALTER SYSTEM SET wal_level = 'logical'");
        return 'after-restart';
      } catch (error) {
        if (stateOf(error) === '42501') return 'provider';
        throw error;
      }
    }),
  gone,
};

async function gone(instance: DatabaseInstance, signal: AbortSignal): Promise<void> {
  const watch = await connect(adminOf(instance), { name: 'storky watch' });
  try {
    await new Promise<void>((resolve, reject) => {
      watch.once('end', resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  } finally {
    await disconnect(watch);
  }
}
