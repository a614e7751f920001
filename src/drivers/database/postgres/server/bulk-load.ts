import { rmSync } from 'node:fs';
import { syncFolder, writeFileAtomic } from '../../../../base/atomic-file.ts';
import { Turns } from '../../../../base/turns.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { besides, withClient } from '../wire/connect.ts';
import { toolPath } from './binaries.ts';
import { run } from './run.ts';
import { dataFolder, serverRuns, startServer, stopServer } from './server.ts';
import { bulkLoading, bulkMark } from './settings.ts';

/**
 * A cluster that a large copy fills does without durability: nothing in it is worth anything before the copy is complete,
 * and a crash means a new copy. The mark is on disk before the first write that may be lost, and goes after everything is
 * on disk. Whoever finds it beside a server that does not run makes the cluster anew (provision.ts), and nothing but a
 * complete copy is followed or opened, so the mark is never beside data that counts.
 */
export async function beginBulkLoad(instance: DatabaseInstance): Promise<void> {
  if (instance.guest || instance.external) return; // its server is not ours to start with other settings
  await turns.take(instance.folder, async () => {
    if (bulkLoading(instance)) {
      if (await serverRuns(instance)) return;
      throw new StorkyError('copy_interrupted', { store: 'The database', detail: 'its server has ended' });
    }
    if (await hasSlots(instance)) return;
    await stopServer(instance);
    writeFileAtomic(bulkMark(instance), '');
    await startServer(instance);
  });
}

/** Puts everything on disk, and starts the server as an ordinary one. Idempotent. */
export async function endBulkLoad(instance: DatabaseInstance): Promise<void> {
  await turns.take(instance.folder, async () => {
    if (!bulkLoading(instance)) return;
    if (!(await serverRuns(instance)))
      throw new StorkyError('copy_interrupted', { store: 'The database', detail: 'its server has ended' });
    await stopServer(instance);
    // The server wrote without waiting for the disk, so neither its log nor its checkpoints can be relied upon.
    await run(await toolPath(instance.version, 'initdb'), ['--sync-only', '-D', dataFolder(instance)]);
    rmSync(bulkMark(instance));
    syncFolder(instance.folder);
    await startServer(instance);
  });
}

/** With one, a server does not start without the log that it is about. */
async function hasSlots(instance: DatabaseInstance): Promise<boolean> {
  return withClient(
    besides(instance),
    async (client) => (await client.query('SELECT FROM pg_replication_slots')).rowCount! > 0,
  );
}

/** Of each cluster, one at a time: nobody may take a server that is being started anew for one that has crashed. */
export const turns = new Turns();
