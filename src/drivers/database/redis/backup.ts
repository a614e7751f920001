import { once } from 'node:events';
import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { giveToAccount } from '../../../base/account.ts';
import type { Report } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import { ownedFolder, refused, startServer, stopServer } from './server/server.ts';
import { dataFolder, logFile } from './server/settings.ts';
import { readSurroundings, type Surroundings, takeOver } from './surroundings.ts';
import { adminOf, ask, type Client, withClient } from './wire/connect.ts';
import { type Info, infoOf } from './wire/info.ts';

const snapshot = (instance: DatabaseInstance) => join(dataFolder(instance), 'dump.rdb');

/** One line of JSON with users and settings, then a snapshot in the server's own format, which ends with a checksum. */
export async function backupServer(instance: DatabaseInstance): Promise<Readable> {
  const out = new PassThrough();
  await withClient(adminOf(instance), 'storky backup', async (client) => {
    out.write(`${JSON.stringify(await readSurroundings(client))}\n`);
    await ask(client, 'BGSAVE', 'SCHEDULE');
    const info = await settled(client, (now) => now.rdb_bgsave_in_progress === '0');
    if (info.rdb_last_bgsave_status !== 'ok')
      throw refused('the snapshot could not be written', `Look at ${logFile(instance)}.`);
  });
  const file = createReadStream(snapshot(instance));
  // Open, so that it stays this snapshot whatever the server writes meanwhile.
  await once(file, 'open');
  pipeline(file, out).catch((error: Error) => out.destroy(error));
  return out;
}

/** Starts the server anew from a stream of `backupServer`. What was in it is gone. */
export async function restoreServer(
  instance: DatabaseInstance,
  dump: Readable,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const draft = join(instance.folder, 'restore.rdb');
  const surroundings = await receive(dump, draft, report, signal);
  await stopServer(instance);
  // With a log, the server would read the log and not the snapshot. So the log is begun anew, from what was loaded.
  rmSync(dataFolder(instance), { recursive: true, force: true });
  ownedFolder(dataFolder(instance));
  giveToAccount(draft);
  renameSync(draft, snapshot(instance));
  await startServer(instance, { appendonly: 'no' });
  await withClient(adminOf(instance), 'storky restore', async (client) => {
    await takeOver(instance, client, surroundings);
    await settled(client, (now) => now.aof_rewrite_in_progress === '0' && now.aof_rewrite_scheduled === '0');
  });
}

async function receive(dump: Readable, path: string, report: Report, signal: AbortSignal): Promise<Surroundings> {
  let head: Buffer[] | undefined = [];
  let surroundings: Surroundings | undefined;
  let bytes = 0;
  const body = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      report({ done: bytes, total: null, unit: 'bytes', note: 'restore' });
      if (!head) {
        yield chunk;
        continue;
      }
      head.push(chunk);
      const text = Buffer.concat(head);
      const end = text.indexOf(10);
      if (end === -1) continue;
      head = undefined;
      surroundings = JSON.parse(text.toString('utf8', 0, end)) as Surroundings;
      yield text.subarray(end + 1);
    }
  };
  await pipeline(dump, body, createWriteStream(path, { mode: 0o600 }), { signal });
  if (!surroundings) throw new Error('the dump ended before it began');
  return surroundings;
}

/** Waits, off any hurry, for what the server does in the background. */
async function settled(client: Client, done: (info: Info) => boolean): Promise<Info> {
  for (;;) {
    const info = await infoOf(client, 'persistence');
    if (done(info)) return info;
    await sleep(50);
  }
}
