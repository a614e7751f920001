import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInstance } from '../../contract.ts';
import { isWritten, persistAsItsContainer, writeAsItsContainer } from '../guest/durable.ts';
import { recall } from '../server/memory.ts';
import { copySettings } from '../server/settings.ts';
import { ask, type Client } from '../wire/connect.ts';
import { type Info, infoOf } from '../wire/info.ts';

/** From here on the copy writes everything to the disk before it does anything else; a server that is killed forgets nothing. */
export async function writeThrough(instance: DatabaseInstance, client: Client): Promise<void> {
  if (instance.guest) await writeAsItsContainer(instance, client);
  else await set(client, copySettings);
}

/** The log holds only what came since its last rewriting began; before the first one has ended it holds too little. */
export async function isOnDisk(instance: DatabaseInstance, client: Client, signal: AbortSignal): Promise<void> {
  if (instance.guest) return await isWritten(client, signal);
  for (;;) {
    signal.throwIfAborted();
    const info = await infoOf(client, 'persistence');
    if (info.aof_enabled === '1' && logIsWhole(info)) return;
    await sleep(50, undefined, { signal });
  }
}

/** For a server that is a copy no longer: as the app has it. */
export async function persistAsTheApp(instance: DatabaseInstance, client: Client): Promise<void> {
  if (instance.guest) return await persistAsItsContainer(instance, client);
  const { settings } = recall(instance);
  await set(
    client,
    Object.fromEntries(
      Object.keys(copySettings).flatMap((name) => (name in settings ? [[name, settings[name]!]] : [])),
    ),
  );
}

const logIsWhole = ({ aof_rewrite_in_progress: now, aof_rewrite_scheduled: soon }: Info) => now === '0' && soon === '0';

async function set(client: Client, settings: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await ask(client, 'CONFIG', 'SET', name, value);
}
