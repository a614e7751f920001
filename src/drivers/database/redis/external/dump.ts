import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DatabaseInstance } from '../../contract.ts';
import { readSurroundings } from '../surroundings.ts';
import { whose } from '../ticket.ts';
import { adminOf, ask, type Client, connect } from '../wire/connect.ts';
import { infoOf, keyspaceOf } from '../wire/info.ts';
import { refused } from './adopt.ts';
import { type Piece, written } from './pieces.ts';
import { isRefusal } from './refusals.ts';

/** Keys whose values are under way at once. */
const most = 64;

/**
 * One line of JSON with users and settings, then key by key what the server gives of it: for a server whose snapshot nobody
 * can read. It is not of one moment, so the app must stand still.
 */
export async function dumpKeys(instance: DatabaseInstance): Promise<Readable> {
  const client = await connect(adminOf(instance), 'storky backup');
  try {
    const surroundings = await readSurroundings(client, whose(instance));
    const out = new PassThrough();
    out.write(`${JSON.stringify({ ...surroundings, keys: true })}\n`);
    pipeline(bytesOf(instance, client), out)
      .catch((error: Error) => out.destroy(error))
      .finally(() => client.disconnect());
    return out;
  } catch (error) {
    client.disconnect();
    throw error;
  }
}

async function* bytesOf(instance: DatabaseInstance, client: Client): AsyncGenerator<Buffer> {
  try {
    for await (const piece of piecesOf(client)) yield written(piece);
  } catch (error) {
    if (!(error instanceof Error) || !isRefusal(error)) throw error;
    const { addon, adminUser } = instance;
    throw refused(
      addon,
      error.message,
      `Run: ACL SETUSER ${adminUser} ~* +select +scan +dump +pexpiretime +function|dump`,
    );
  }
}

/** Everything that a server holds, functions first. */
export async function* piecesOf(client: Client): AsyncGenerator<Piece> {
  yield { kind: 'functions', value: (await client.callBuffer('FUNCTION', 'DUMP')) as Buffer };
  let count = 0;
  for (const { db } of keyspaceOf(await infoOf(client, 'keyspace'))) {
    await ask(client, 'SELECT', db);
    yield { kind: 'database', number: db };
    for (let cursor = '0'; ; ) {
      const [next, names] = (await client.callBuffer('SCAN', cursor, 'COUNT', most)) as [Buffer, Buffer[]];
      for (const piece of await Promise.all(names.map((name) => keyOf(client, name)))) {
        if (!piece) continue;
        yield piece;
        count++;
      }
      cursor = next.toString();
      if (cursor === '0') break;
    }
  }
  yield { kind: 'end', number: count };
}

/** Undefined where its time has ended. When that would be is asked first: what is asked after it would be of a later key. */
async function keyOf(client: Client, name: Buffer): Promise<Piece | undefined> {
  const [expires, value] = await Promise.all([
    ask<number>(client, 'PEXPIRETIME', name),
    client.callBuffer('DUMP', name) as Promise<Buffer | null>,
  ]);
  return value ? { kind: 'key', name, value, number: Math.max(0, expires) } : undefined;
}
