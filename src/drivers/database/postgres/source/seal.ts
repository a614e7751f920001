import { StorkyError } from '../../../../protocol/errors.ts';
import { oldestTransaction } from '../catalog.ts';
import { notOurRole, ownServer, storkySchema } from '../names.ts';
import { type Client, stateOf } from '../wire/connect.ts';
import { allowConnections, refuseConnections } from './seal-database.ts';

export const createSealTable = `CREATE SCHEMA IF NOT EXISTS ${storkySchema};
  CREATE TABLE IF NOT EXISTS ${storkySchema}.sealed_role (name text PRIMARY KEY);`;

/**
 * The durable half of the fence: nobody but Storky may log in, to the server or, where others use it too, to the database, which outlives this process and a restart of the server
 * (invariant 6). Who could, is remembered in the same commit. Sessions that are there are ended.
 */
export async function seal(client: Client): Promise<void> {
  await draftSeal(client);
  await commitSeal(client);
  await endSessions(client);
}

/**
 * The seal without its commit: nobody sees anything of it, and it ends with the session (invariant 5). A transaction that
 * changes a role is met by no lock of the fence, and is not waited for for ever; in a freeze, for what is left of it,
 * milliseconds. @throws StorkyError long_transaction
 */
export async function draftSeal(client: Client, leftMs?: number): Promise<void> {
  const limit =
    leftMs === undefined ? `lock_timeout = ${lockMs}` : `statement_timeout = ${Math.max(1, Math.floor(leftMs))}`;
  await inTime(client, `BEGIN; SET LOCAL ${limit}; ${shutOut}; SET LOCAL statement_timeout = 0; SAVEPOINT ${drafted}`);
}

/**
 * Resolves when the seal is durable. Throws when the draft has failed, or is gone: COMMIT alone is content without a
 * transaction.
 */
export async function commitSeal(client: Client): Promise<void> {
  await client.query(`RELEASE SAVEPOINT ${drafted}; COMMIT`);
}

const drafted = 'storky_seal';

/** How long a lock is waited for where nothing is held yet, or is held any more, milliseconds. */
const lockMs = 2_000;

/** A timeout, a lock that was not had, and a role that was changed when the wait for it ended. */
async function inTime(client: Client, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('ROLLBACK');
    const { message } = error as Error;
    if (!['57014', '55P03'].includes(stateOf(error) ?? '') && !/tuple concurrently updated/.test(message)) throw error;
    const oldest = await oldestTransaction(client, 'any database');
    throw new StorkyError('long_transaction', {
      store: 'The server of the database',
      seconds: Math.round(oldest?.seconds ?? 0),
      detail: oldest?.detail ?? 'a role was being changed',
    });
  }
}

/**
 * After the commit, so that who is ended cannot come back. The server has the whole order at once and carries it out even
 * if this process dies meanwhile.
 */
export async function endSessions(client: Client, afterMs = 0): Promise<void> {
  await client.query(`SELECT pg_sleep(${afterMs / 1000}); SELECT pg_terminate_backend(pid) ${others}`);
}

/** Runs the seal and takes it back in one transaction: it makes the session's caches warm. @throws StorkyError long_transaction */
export async function warmSeal(client: Client): Promise<void> {
  await inTime(client, `BEGIN; SET LOCAL lock_timeout = ${lockMs}; ${shutOut}; SELECT count(*) ${others}; ROLLBACK`);
}

const shutOut = `
  ${createSealTable}
  DO $$ DECLARE one text; BEGIN
    IF NOT ${ownServer} THEN
      ${refuseConnections}
      RETURN;
    END IF;
    FOR one IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin AND ${notOurRole('rolname')} LOOP
      INSERT INTO ${storkySchema}.sealed_role VALUES (one) ON CONFLICT DO NOTHING;
      EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN', one);
    END LOOP;
  END $$`;

/** plpgsql: lets everybody log in who could before the seal. */
export const letIn = `
  DECLARE one text; BEGIN
    IF NOT ${ownServer} THEN
      ${allowConnections}
    ELSE
      FOR one IN SELECT s.name FROM ${storkySchema}.sealed_role s JOIN pg_catalog.pg_roles r ON r.rolname = s.name LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I LOGIN', one);
      END LOOP;
    END IF;
    DELETE FROM ${storkySchema}.sealed_role;
  END;`;

/** Idempotent, from any state. */
export async function unseal(client: Client): Promise<void> {
  if (!(await sealed(client))) return;
  await client.query(`
    DO $$ BEGIN
      ${letIn}
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = '${storkySchema}' AND c.relname IN ('marker', 'ticket')) THEN
        DROP SCHEMA ${storkySchema} CASCADE;
      END IF;
    END $$;`);
}

export async function sealed(client: Client): Promise<boolean> {
  const there = await client.query(`SELECT to_regclass('${storkySchema}.sealed_role') IS NOT NULL AS there`);
  if (!there.rows[0].there) return false;
  return (await client.query(`SELECT FROM ${storkySchema}.sealed_role LIMIT 1`)).rowCount! > 0;
}

const others = `FROM pg_catalog.pg_stat_activity WHERE usename IS NOT NULL AND ${notOurRole('usename')} AND pid <> pg_backend_pid()
  AND (${ownServer} OR (datname = current_database() AND usesysid NOT IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper)))`;

/** Resolves when every ended session is gone: until then a table lock must stay. Throws after 30 s. */
export async function sessionsGone(client: Client): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { rows } = await client.query(`SELECT pg_terminate_backend(pid) ${others}`);
    if (rows.length === 0) return;
  }
  throw new Error('a session of the app does not end');
}
