import { once } from 'node:events';
import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToAccount } from '../../../base/account.ts';
import type { Report } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import { loadKeys } from './external/load.ts';
import { piecesIn } from './external/pieces.ts';
import { headOf } from './head.ts';
import { ownedFolder, refused, startServer, stopServer } from './server/server.ts';
import { dataFolder, logFile } from './server/settings.ts';
import { readSurroundings, type Surroundings, takeOver } from './surroundings.ts';
import { isOnDisk } from './target/durable.ts';
import { adminOf, ask, type Client, withClient } from './wire/connect.ts';
import { type Info, infoOf } from './wire/info.ts';

const snapshot = (instance: DatabaseInstance) => join(dataFolder(instance), 'dump.rdb');

/** One line of JSON with users and settings, then a snapshot in the server's own format, which ends with a checksum. */
export async function backupServer(instance: DatabaseInstance): Promise<Readable> {
  const out = new PassThrough();
  await withClient(adminOf(instance), 'storky backup', async (client) => {
    out.write(`${JSON.stringify(await readSurroundings(client))}\n`);
    await snapshotOf(instance, client);
  });
  const file = createReadStream(snapshot(instance));
  // Open, so that it stays this snapshot whatever the server writes meanwhile.
  await once(file, 'open');
  pipeline(file, out).catch((error: Error) => out.destroy(error));
  return out;
}

/** What a dump begins with. `keys`: what follows goes key by key, and is no snapshot. */
export type Head = Surroundings & { keys?: boolean };

/** From a stream of `backupServer`, or of `dumpKeys`. What was in it is gone. */
export async function restoreServer(
  instance: DatabaseInstance,
  dump: Readable,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { head, rest } = await headOf<Head>(dump);
  if (head.keys) await restoreKeys(instance, head, rest, report, signal);
  else await restoreSnapshot(instance, head, rest, report, signal);
}

async function restoreKeys(
  instance: DatabaseInstance,
  { users, settings }: Surroundings,
  dump: AsyncIterable<Buffer>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  await withClient(adminOf(instance), 'storky restore', async (client) => {
    // An attempt before this one may have ended as a copy, which refuses.
    await ask(client, 'REPLICAOF', 'NO', 'ONE');
    await ask(client, 'FLUSHALL');
    await loadKeys(client, piecesIn(dump), report, signal);
    await takeOver(instance, client, { users, settings });
    if (instance.guest) await isOnDisk(instance, client, signal);
    else await writeDown(instance, client);
  });
}

/** All that is there, before anybody relies on it: a log that is written every second may lack the last one. */
async function writeDown(instance: DatabaseInstance, client: Client): Promise<void> {
  await snapshotOf(instance, client);
  if ((await infoOf(client, 'persistence')).aof_enabled === '1') await ask(client, 'BGREWRITEAOF');
  const info = await settled(client, logIsWritten);
  if (info.aof_last_bgrewrite_status !== 'ok')
    throw refused('the log could not be written', `Look at ${logFile(instance)}.`);
}

async function snapshotOf(instance: DatabaseInstance, client: Client): Promise<void> {
  await ask(client, 'BGSAVE', 'SCHEDULE');
  const info = await settled(client, (now) => now.rdb_bgsave_in_progress === '0');
  if (info.rdb_last_bgsave_status !== 'ok')
    throw refused('the snapshot could not be written', `Look at ${logFile(instance)}.`);
}

const logIsWritten = (now: Info) => now.aof_rewrite_in_progress === '0' && now.aof_rewrite_scheduled === '0';

/** Starts the server anew. */
export async function restoreSnapshot(
  instance: DatabaseInstance,
  surroundings: Surroundings,
  dump: AsyncIterable<Buffer>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const draft = join(instance.folder, 'restore.rdb');
  await receive(dump, draft, report, signal);
  await stopServer(instance);
  // With a log, the server would read the log and not the snapshot. So the log is begun anew, from what was loaded.
  rmSync(dataFolder(instance), { recursive: true, force: true });
  ownedFolder(dataFolder(instance));
  giveToAccount(draft);
  renameSync(draft, snapshot(instance));
  await startServer(instance, { appendonly: 'no' });
  await withClient(adminOf(instance), 'storky restore', async (client) => {
    await takeOver(instance, client, surroundings);
    await settled(client, logIsWritten);
  });
}

async function receive(dump: AsyncIterable<Buffer>, path: string, report: Report, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      report({ done: bytes, total: null, unit: 'bytes', note: 'restore' });
      yield chunk;
    }
  };
  await pipeline(dump, counted, createWriteStream(path, { mode: 0o600 }), { signal });
}

/** Waits, off any hurry, for what the server does in the background. */
async function settled(client: Client, done: (info: Info) => boolean): Promise<Info> {
  for (;;) {
    const info = await infoOf(client, 'persistence');
    if (done(info)) return info;
    await sleep(50);
  }
}
