import { randomUUID } from 'node:crypto';
import { storkySchema } from '../names.ts';
import { storkyTables } from '../storky-schema.ts';
import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

/** A place in this server's log. Files are numbered, and their names of one length. */
export interface Place {
  file: string;
  at: number;
}

export const isLater = (a: Place, b: Place): boolean => (a.file === b.file ? a.at > b.at : a.file > b.file);

/** Where the log is now. Undefined where there is none. */
export async function endOfLog(client: Client): Promise<Place | undefined> {
  const [row] = await client.query(client.dialect.endOfLog);
  return row && { file: row.File!, at: Number(row.Position) };
}

/** What the stream has brought over there, durably: what is before it is not asked for again. */
export async function sayTaken(source: Client, stream: string, { file, at }: Place): Promise<void> {
  const values = [randomUUID(), stream].map(literal).join(', ');
  await source.query(
    `INSERT INTO ${storkySchema}.marker (id, migration, epoch, payload) VALUES (${values}, 0, ${literal(`taken ${file} ${at}`)})`,
  );
}

/** The latest that was said for each stream that is open here. */
export async function takenPlaces(client: Client): Promise<Map<string, Place>> {
  const latest = new Map<string, Place>();
  if (!(await storkyTables(client)).has('ticket')) return latest;
  const rows = await client.query(
    `SELECT m.migration AS stream, m.payload AS said FROM ${storkySchema}.marker m JOIN ${storkySchema}.ticket t ON t.migration = m.migration
      WHERE m.epoch = 0 AND m.payload LIKE 'taken %'`,
  );
  for (const { stream, said } of rows) {
    const [, file, at] = said!.split(' ');
    const place = { file: file!, at: Number(at) };
    const known = latest.get(stream!);
    if (!known || isLater(place, known)) latest.set(stream!, place);
  }
  return latest;
}

/** Only the latest is of interest. */
export async function forgetEarlier(client: Client, stream: string, { file, at }: Place): Promise<void> {
  await client.query(
    `DELETE FROM ${storkySchema}.marker WHERE migration = ${literal(stream)} AND epoch = 0 AND payload LIKE 'taken %' AND payload <> ${literal(`taken ${file} ${at}`)}`,
  );
}
