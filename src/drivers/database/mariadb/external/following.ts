import { once } from 'node:events';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance, FollowingSetting } from '../../contract.ts';
import { inItsCommand } from '../container/check.ts';
import { adminOf, connect, disconnect, errnoOf, withClient } from '../wire/connect.ts';

/** The binary log is on from a start on. What it holds may be changed at any time, but not for sessions that are there. */
export const following: FollowingSetting = {
  allow: (instance) =>
    withClient(adminOf(instance), async (client) => {
      const [row] = await client.query(
        'SELECT @@log_bin AS log, @@global.binlog_format AS format, @@global.binlog_row_image AS image',
      );
      // Where Storky runs it, its settings say so, unless somebody has started it with others.
      if (row!.log !== '1' && instance.guest)
        throw ofItsOwner(instance, 'its binary log is off', '--log-bin --binlog-format=ROW');
      if (row!.log !== '1') return instance.external ? 'provider' : 'after-restart';
      if (row!.format === 'ROW' && row!.image === 'FULL') return 'holds';
      if (instance.guest)
        throw ofItsOwner(
          instance,
          `binlog_format is ${row!.format} and binlog_row_image is ${row!.image}`,
          '--binlog-format=ROW --binlog-row-image=FULL',
        );
      throw new StorkyError('engine_refused', {
        engine: `MariaDB (${instance.addon})`,
        detail: `its log is on, but binlog_format is ${row!.format} and binlog_row_image is ${row!.image}`,
        hint: "Run: SET GLOBAL binlog_format = 'ROW', GLOBAL binlog_row_image = 'FULL'; and write both into its configuration. Then restart the app's processes: sessions that are there keep theirs.",
      });
    }),
  gone,
};

/** No statement makes it so for longer than until the next start, and the other side's container has the same command. */
const ofItsOwner = ({ addon }: DatabaseInstance, detail: string, option: string) =>
  new StorkyError('engine_refused', { engine: `MariaDB (${addon})`, detail, hint: inItsCommand(addon, option) });

async function gone(instance: DatabaseInstance, signal: AbortSignal): Promise<void> {
  const watch = await connect(adminOf(instance)).catch((error) => {
    // It went while it was greeting.
    if (errnoOf(error) === undefined) return undefined;
    throw error;
  });
  try {
    if (watch) await once(watch.socket, 'close', { signal });
  } finally {
    await disconnect(watch);
  }
}
