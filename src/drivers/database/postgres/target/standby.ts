import { StorkyError } from '../../../../protocol/errors.ts';
import { userRelations } from '../catalog.ts';
import { shortLock } from '../identities.ts';
import { refuseDdlTrigger, refuseDropTrigger, refuseWritesTrigger, storkySchema } from '../names.ts';
import { createSealTable, sealed, unseal } from '../source/seal.ts';
import { createStreamTables } from '../stream-tables.ts';
import { has } from '../streams.ts';
import { type Client, transaction } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';
import { createOpening } from './opening.ts';
import { createRefusals } from './refusals.ts';

/**
 * Readable, and refuses writes of everybody but the stream and Storky. A database that was opened by a switch stays open;
 * on one that a switch has sealed, readers are let in again once writers are refused. Idempotent.
 */
export async function standBy(client: Client): Promise<void> {
  if (await opened(client)) return;
  await refuseWrites(client);
  if (!(await sealed(client))) return;
  await client.query(`UPDATE ${storkySchema}.standby SET sealed_before = true`);
  await unseal(client);
}

/**
 * Triggers that look at one flag. The stream does not fire them, as it runs as a replica. To open the database is then one
 * small commit, for sessions that are there already too.
 */
export async function refuseWrites(
  client: Client,
  run: (client: Client, work: () => Promise<void>) => Promise<void> = transaction,
): Promise<void> {
  // Roots of partitions too: a statement fires the triggers of the table that it names, and no others. Tables that have
  // theirs are left alone: while the stream runs, a lock on each of them could end in a deadlock with it.
  const tables = (
    await client.query(`SELECT n.nspname AS schema, c.relname AS name ${userRelations("'r', 'p'")}
      AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = '${refuseWritesTrigger}')`)
  ).rows;
  await run(client, async () => {
    await client.query(createStreamTables + createSealTable + createRefusals + createOpening + shutFlag);
    for (const { schema, name } of tables) {
      const table = qualified(schema, name);
      await client.query(`
        CREATE TRIGGER ${refuseWritesTrigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table}
          FOR EACH STATEMENT EXECUTE FUNCTION ${storkySchema}.refuse_writes();`);
    }
  });
}

/** What an earlier switch has opened is shut only where a later one has sealed it. */
const shutFlag = `
  INSERT INTO ${storkySchema}.standby (writable) VALUES (false) ON CONFLICT (one) DO UPDATE
    SET writable = false, epoch = NULL WHERE EXISTS (SELECT FROM ${storkySchema}.sealed_role);`;

/** Takes the triggers away again, one table at a time, waiting shortly and often rather than long. Idempotent. */
export async function allowWrites(client: Client): Promise<void> {
  await client.query(
    `DROP EVENT TRIGGER IF EXISTS ${refuseDdlTrigger}; DROP EVENT TRIGGER IF EXISTS ${refuseDropTrigger};`,
  );
  const { rows } = await client.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.tgname = '${refuseWritesTrigger}'`,
  );
  for (const { schema, name } of rows)
    await shortLock(
      client,
      async () =>
        void (await client.query(`DROP TRIGGER IF EXISTS ${refuseWritesTrigger} ON ${qualified(schema, name)}`)),
    );
}

/** Last guard before the database is made anew: what a switch has opened has the app's own writes. */
export async function refuseIfOpened(client: Client): Promise<void> {
  if (!(await opened(client))) return;
  throw new StorkyError('engine_refused', {
    engine: 'PostgreSQL',
    detail: 'the database is active here, and is not overwritten',
    hint: 'An operator has to look.',
  });
}

/** The flag stays until close, so that a standby asked for again does not shut a database that serves. */
export async function opened(client: Client): Promise<boolean> {
  if (!(await has(client, 'standby')) || (await sealed(client))) return false;
  const { rows } = await client.query(`SELECT writable FROM ${storkySchema}.standby`);
  return rows[0]?.writable === true;
}
