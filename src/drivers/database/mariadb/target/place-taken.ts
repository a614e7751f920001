import { isLater, type Place } from '../source/taken.ts';
import type { Client } from '../wire/connect.ts';
import { streamStatus } from './stream.ts';

/** How much of the source's log is applied before it is told so again. Bytes. */
const step = 1024 * 1024;

/** How far this side has applied the source's log, when that is worth telling the source. */
export async function placeToTell(client: Client, told: Place | undefined): Promise<Place | undefined> {
  const status = await streamStatus(client);
  const place = { file: status?.Relay_Master_Log_File ?? '', at: Number(status?.Exec_Master_Log_Pos ?? 0) };
  if (place.file === '' || !told) return place.file === '' ? undefined : place;
  return isLater(place, { file: told.file, at: told.at + step }) ? place : undefined;
}
