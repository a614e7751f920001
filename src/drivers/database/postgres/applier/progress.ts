import { storkySchema } from '../names.ts';
import type { CopyTicket } from '../ticket.ts';
import { type Address, type Client, connect, disconnect, plainText } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { lsnOf, lsnText } from './log-stream.ts';

/**
 * The session that applies. It is the only one: the lock is held by the server until the session has ended there, with
 * whatever it was just committing, so that one that comes after it knows how far it has come.
 */
export async function openWriter(admin: Address, { migration, lsn }: CopyTicket): Promise<Client> {
  const client = await connect(admin, { name: 'storky applier', settings: { ...plainText, client_encoding: 'UTF8' } });
  try {
    await client.query(`SET session_replication_role = replica; SET lock_timeout = '60s'`);
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`storky applier ${migration}`]);
    await client.query(`
      SET lock_timeout = 0;
      CREATE TABLE IF NOT EXISTS ${storkySchema}.applied (stream text PRIMARY KEY, lsn pg_lsn NOT NULL)`);
    await client.query(`INSERT INTO ${storkySchema}.applied VALUES ($1, $2) ON CONFLICT DO NOTHING`, [migration, lsn]);
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

export async function appliedUpTo(client: Client, migration: string): Promise<bigint> {
  const { rows } = await client.query(`SELECT lsn::text FROM ${storkySchema}.applied WHERE stream = $1`, [migration]);
  return lsnOf(rows[0].lsn);
}

/** In the transaction that applies, so that nothing is applied twice and nothing is taken for applied (of the 25: 3, 19). */
export const progress = (stream: string, from: bigint, to: bigint): string =>
  `UPDATE ${storkySchema}.applied SET lsn = '${lsnText(to)}' WHERE stream = ${literal(stream)} AND lsn = '${lsnText(from)}'`;
