import { storkySchema } from './names.ts';
import { type Client, stateOf, transaction } from './wire/connect.ts';
import { identifier, qualified } from './wire/sql.ts';

export interface Identity {
  schema: string;
  name: string;
  /** `relreplident`: d, n, f or i. */
  original: string;
  index: string | null;
}

/** Changes one identity and remembers, in the same transaction, what it was. */
export async function changeIdentity(client: Client, identity: Identity, wanted: string): Promise<void> {
  await shortLock(client, async () => {
    await client.query(
      `INSERT INTO ${storkySchema}.identity (schema, name, original, index) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [identity.schema, identity.name, identity.original, identity.index],
    );
    await client.query(`ALTER TABLE ONLY ${qualified(identity.schema, identity.name)} REPLICA IDENTITY ${wanted}`);
  });
}

/** Gives every table the identity that it had. Idempotent; a table that is gone is left out. */
export async function restoreIdentities(client: Client): Promise<void> {
  const there = await client.query(`SELECT to_regclass('${storkySchema}.identity') IS NOT NULL AS there`);
  if (!there.rows[0].there) return;
  for (const identity of await changedIdentities(client)) {
    await shortLock(client, async () => {
      const table = qualified(identity.schema, identity.name);
      const exists = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
      if (exists.rows[0].there) await client.query(`ALTER TABLE ONLY ${table} REPLICA IDENTITY ${clause(identity)}`);
      await client.query(`DELETE FROM ${storkySchema}.identity WHERE schema = $1 AND name = $2`, [
        identity.schema,
        identity.name,
      ]);
    });
  }
}

export async function changedIdentities(client: Client): Promise<Identity[]> {
  const { rows } = await client.query(
    `SELECT schema, name, original::text, index FROM ${storkySchema}.identity ORDER BY 1, 2`,
  );
  return rows as Identity[];
}

/**
 * ALTER TABLE waits behind every reader, and everybody else waits behind it: so wait shortly, let them pass, try again.
 * Gives up after a minute with the server's own error.
 */
export async function shortLock(client: Client, work: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 60_000; ; ) {
    try {
      return await transaction(client, async () => {
        await client.query("SET LOCAL lock_timeout = '200ms'");
        await work();
      });
    } catch (error) {
      if (stateOf(error) !== '55P03' || Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function clause(identity: Identity): string {
  if (identity.original === 'i') return `USING INDEX ${identifier(identity.index!)}`;
  return { d: 'DEFAULT', n: 'NOTHING', f: 'FULL' }[identity.original] ?? 'DEFAULT';
}
