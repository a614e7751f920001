import { log } from '../../../../base/log.ts';
import { notOfExtension, userRelations } from '../catalog.ts';
import { fingerprintOf, fingerprintWithout } from '../fingerprint.ts';
import { shortLock } from '../identities.ts';
import { namesFor, storkySchema } from '../names.ts';
import { isWayBack, type Ticket } from '../ticket.ts';
import type { Client } from '../wire/connect.ts';
import { identifier, qualified } from '../wire/sql.ts';
import { createAccount } from './account.ts';
import { prepareIdentities } from './publish.ts';

/**
 * Tables that were made since the copy, new partitions above all, join the stream, if nothing else of the structure has
 * changed; the other side then brings what they hold (target/add-tables.ts). Says whether there were any. What is changed
 * once more meanwhile is found by the next look, since the structure that is remembered is the one before it. Idempotent.
 */
export async function addTables(client: Client, migration: string): Promise<boolean> {
  const known = await followed(client, migration);
  if (!known || isWayBack(known.ticket)) return false;
  const now = await fingerprintOf(client);
  if (now === known.fingerprint) return false;
  const added = await unknownTables(client, known.ticket.publication);
  const relations = added.flatMap((table) => table.relations);
  if (added.length === 0 || (await fingerprintWithout(client, relations)) !== known.fingerprint) return false;
  const { role, password } = known.ticket;
  // Before 14 it has a grant for each table. On a server that Storky does not run it is the administrator's, and may read all.
  if (role === namesFor(migration).role) await createAccount(client, role, password);
  await prepareIdentities(client);
  await publish(client, known.ticket, added, now);
  log.info({ tables: added.map(({ name }) => name) }, 'tables that are new join the stream');
  return true;
}

/**
 * Only what is streamed already: a subscription that is yet to be made would take a table that has joined before for one that
 * was copied.
 */
async function followed(client: Client, migration: string) {
  const { rows } = await client.query<{ ticket: Ticket; fingerprint: string }>(
    `SELECT t.ticket, t.fingerprint FROM ${storkySchema}.ticket t
      JOIN pg_replication_slots s ON s.slot_name = t.ticket ->> 'slot' AND s.active WHERE t.migration = $1`,
    [migration],
  );
  return rows[0];
}

interface Added {
  schema: string;
  name: string;
  /** The table, its indexes and the sequences that it owns. */
  relations: number[];
}

async function unknownTables(client: Client, publication: string): Promise<Added[]> {
  const { rows } = await client.query<Added>(
    `SELECT n.nspname AS schema, c.relname AS name,
        ARRAY[c.oid::int8] || ARRAY(SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = c.oid)
          || ARRAY(SELECT d.objid::int8 FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
              AND d.deptype IN ('a', 'i')) AS relations
      ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'p' AND NOT EXISTS (
        SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = c.oid AND p.pubname = $1)
      ORDER BY c.oid`,
    [publication],
  );
  return rows;
}

/** In one commit with the structure that is now known. */
async function publish(client: Client, { migration, publication }: Ticket, added: Added[], fingerprint: string) {
  const tables = added.map(({ schema, name }) => `ONLY ${qualified(schema, name)}`);
  await shortLock(client, async () => {
    await client.query(`ALTER PUBLICATION ${identifier(publication)} ADD TABLE ${tables.join(', ')}`);
    await client.query(`UPDATE ${storkySchema}.ticket SET fingerprint = $2 WHERE migration = $1`, [
      migration,
      fingerprint,
    ]);
  });
}
