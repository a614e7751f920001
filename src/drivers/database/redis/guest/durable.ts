import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInstance } from '../../contract.ts';
import { recall, remember } from '../server/memory.ts';
import { refused } from '../server/server.ts';
import { settingsOf } from '../source/sizes.ts';
import { ask, type Client } from '../wire/connect.ts';
import { infoOf } from '../wire/info.ts';

/**
 * Whether and how a container persists is its owner's choice, and its next start goes by that: nothing may be left in its
 * volume which that start does not expect. Where it writes a log, a copy waits for the disk; where it writes nothing, the
 * snapshot that a copy comes by must not stay, or a later start would bring old data back.
 */
export async function writeAsItsContainer(instance: DatabaseInstance, client: Client): Promise<void> {
  const { appendonly, save } = await settingsOf(client, ['appendonly', 'save']);
  await whileCopy(instance, client, 'replica-read-only', 'yes');
  if (appendonly === 'yes') await whileCopy(instance, client, 'appendfsync', 'always');
  else if (save === '') await whileCopy(instance, client, 'rdb-del-sync-files', 'yes');
}

/** What it holds is as much on the disk as it ever would be. @throws StorkyError engine_refused where it cannot be written */
export async function isWritten(client: Client, signal: AbortSignal): Promise<void> {
  const { appendonly, save } = await settingsOf(client, ['appendonly', 'save']);
  const snapshots = appendonly !== 'yes' && save !== '';
  if (snapshots && Number((await infoOf(client, 'persistence')).rdb_changes_since_last_save) > 0)
    await ask(client, 'BGSAVE', 'SCHEDULE');
  for (;;) {
    signal.throwIfAborted();
    const info = await infoOf(client, 'persistence');
    const busy = [info.aof_rewrite_in_progress, info.aof_rewrite_scheduled, info.rdb_bgsave_in_progress];
    if (busy.every((one) => one === '0')) {
      if (info.aof_last_bgrewrite_status === 'ok' && info.rdb_last_bgsave_status === 'ok') return;
      throw refused('its last snapshot or log could not be written', 'Look at the log of its container.');
    }
    await sleep(50, undefined, { signal });
  }
}

/** It is a copy no longer. Idempotent. */
export async function persistAsItsContainer(instance: DatabaseInstance, client: Client): Promise<void> {
  for (const [name, value] of Object.entries(recall(instance).ofItsOwn)) {
    await ask(client, 'CONFIG', 'SET', name, value);
    remember(instance, ({ ofItsOwn }) => {
      delete ofItsOwn[name];
    });
  }
}

async function whileCopy(instance: DatabaseInstance, client: Client, name: string, value: string): Promise<void> {
  const { [name]: before } = await settingsOf(client, [name]);
  if (before === value) return;
  remember(instance, ({ ofItsOwn }) => {
    ofItsOwn[name] ??= before!;
  });
  await ask(client, 'CONFIG', 'SET', name, value);
}
