import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { log } from '../../../../base/log.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { accountFor } from '../names.ts';
import { expirySeconds, keptSeconds } from '../server/keep-log.ts';
import { dataFolder } from '../server/server.ts';
import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { endSessionsOf } from './sessions.ts';
import { forgetEarlier, isLater, takenPlaces } from './taken.ts';

interface LogFile {
  name: string;
  bytes: number;
}

/** Bytes of this server's log that the stream still needs; 0 when it is not open here. */
export async function retainedBy(client: Client, stream: string): Promise<number> {
  const taken = (await takenPlaces(client)).get(stream);
  if (!taken) return 0;
  if (!client.share) await forgetEarlier(client, stream, taken);
  const needed = (await logFiles(client)).filter(({ name }) => name >= taken.file);
  const bytes = needed.reduce((sum, file) => sum + file.bytes, 0);
  return Math.max(0, bytes - (needed[0]?.name === taken.file ? taken.at : 0));
}

/** Bytes that are free, and what must not be gone below. */
export interface Room {
  free: number;
  least: number;
}

/** A twentieth of the disk, and no more than 2 GiB. */
export function roomOf(instance: DatabaseInstance): Room {
  const { bavail, blocks, bsize } = statfsSync(dataFolder(instance));
  return { free: bavail * bsize, least: Math.min((blocks * bsize) / 20, 2 * 1024 ** 3) };
}

/**
 * While a way back keeps the server from removing its log by itself, this does it instead: what every stream has taken, once
 * it is as old as it would become anyhow, or at once when the disk gets full. If that does not suffice, the way back is given
 * up and not the app: the stream then says that it has lost its position.
 */
export async function tidyLog(
  client: Client,
  instance: DatabaseInstance,
  room: Room = roomOf(instance),
): Promise<void> {
  if (expirySeconds(instance) > 0) return;
  const places = await takenPlaces(client);
  const files = await logFiles(client);
  const current = files.at(-1)!.name;
  const needed = [...places.values()].reduce((a, b) => (isLater(a, b) ? b : a), { file: current, at: 0 }).file;
  const old = files.find(({ name }) => name >= needed || !isOld(instance, name))!.name;
  const tight = room.free < room.least;
  await purgeTo(client, files, tight ? needed : old);
  const freed = files.filter(({ name }) => name < needed).reduce((sum, { bytes }) => sum + bytes, 0);
  if (!tight || room.free + freed >= room.least || needed === current) return;
  log.warn({ free: room.free, needed, current }, 'the disk gets full: the log that the way back needs is given up');
  for (const stream of places.keys()) await endSessionsOf(client, accountFor(stream));
  await purgeTo(client, files, current);
}

/** Everything before this file; what the server itself still needs, after a file was begun, goes the next time. */
async function purgeTo(client: Client, files: LogFile[], name: string): Promise<void> {
  if (files[0]!.name < name) await client.query(`PURGE BINARY LOGS TO ${literal(name)}`);
}

async function logFiles(client: Client): Promise<LogFile[]> {
  return (await client.query('SHOW BINARY LOGS')).map(({ Log_name, File_size }) => ({
    name: Log_name!,
    bytes: Number(File_size),
  }));
}

function isOld(instance: DatabaseInstance, name: string): boolean {
  const written = statSync(join(dataFolder(instance), name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return Date.now() - written > keptSeconds * 1000;
}
