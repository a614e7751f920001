import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, errnoOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

/** Ends one session. One that is gone already is no error. */
export async function endSession(client: Client, id: string): Promise<void> {
  await client.query(client.dialect.endSession(id)).catch((error) => {
    if (errnoOf(error) !== 1094) throw error;
  });
}

/** Resolves when they are gone, with what they held; what takes longer than 2 s goes a little later. */
export async function endSessionsOf(client: Client, user: string): Promise<void> {
  for (const end = Date.now() + 2_000; Date.now() < end; await sleep(10)) {
    const sessions = await client.query(
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ${literal(user)}`,
    );
    if (sessions.length === 0) return;
    for (const { id } of sessions) await endSession(client, id!);
  }
}
