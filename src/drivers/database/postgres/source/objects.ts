import { notOfExtension, userRelations } from '../catalog.ts';
import { ddlLock, holdDdlTrigger, ownServer, storkySchema } from '../names.ts';
import { createStreamTables } from '../stream-tables.ts';
import { type Client, transaction } from '../wire/connect.ts';
import { createSealTable } from './seal.ts';

/**
 * What Storky keeps in the source's database while a migration runs, all in the schema `storky` but for one event trigger.
 * Dropped by close.
 */
export async function createObjects(client: Client): Promise<void> {
  await transaction(client, async () => {
    // Two calls at once wait for each other here.
    await client.query(`SELECT pg_advisory_xact_lock(${ddlLock + 1})`);
    await client.query(createStreamTables + createSealTable + createFence + createHoldDdl);
  });
}

/**
 * DDL waits for the fence, and the fence for DDL that is under way; it is held, not refused, so that a switch that backs
 * out is not noticed. Tables that are there are held by their locks; this is for new ones.
 */
const createHoldDdl = `
  CREATE SEQUENCE IF NOT EXISTS ${storkySchema}.ddl_seen;
  CREATE OR REPLACE FUNCTION ${storkySchema}.hold_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    -- Whoever made this function is Storky.
    IF session_user <> current_user THEN
      PERFORM pg_catalog.pg_advisory_xact_lock_shared(${ddlLock});
      PERFORM pg_catalog.nextval('${storkySchema}.ddl_seen');
    END IF;
  END $$;
  DO $do$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = '${holdDdlTrigger}') THEN
      CREATE EVENT TRIGGER ${holdDdlTrigger} ON ddl_command_start EXECUTE FUNCTION ${storkySchema}.hold_ddl();
    END IF;
  EXCEPTION WHEN insufficient_privilege THEN
    -- Where only a superuser may, the structure is compared under the fence, every time (mark.ts).
    IF ${ownServer} THEN RAISE; END IF;
  END $do$;`;

/** Elsewhere, a table that belongs to an extension and to its server's owner is left out: no app writes there, and no stream carries it. */
const lockable = `AND (${ownServer} OR pg_catalog.pg_has_role(c.relowner, 'USAGE') OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))`;

/**
 * The fence: DDL first, so that the list of tables is final; then a lock on every table that conflicts with every write,
 * a superuser's included, and on the list of large objects, which no stream brings; then one on every sequence, whose values
 * are final from then on and are the answer. All of it belongs to the caller's transaction: it ends when that rolls back, or
 * when its process dies (invariant 5). A rehearsal takes no lock; it makes the session's caches warm.
 */
const createFence = `
  CREATE OR REPLACE FUNCTION ${storkySchema}.fence(rehearsal bool) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    tables text;
    one record;
    is_at text;
    was_called boolean;
    answer jsonb := '[]';
  BEGIN
    IF NOT rehearsal THEN
      PERFORM pg_catalog.pg_advisory_xact_lock(${ddlLock});
    END IF;
    SELECT pg_catalog.string_agg(pg_catalog.format('ONLY %I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid) INTO tables ${userRelations("'r', 'p'")} ${lockable};
    IF tables IS NOT NULL AND NOT rehearsal THEN
      EXECUTE 'LOCK TABLE ' || tables || ' IN SHARE MODE';
    END IF;
    IF NOT rehearsal AND pg_catalog.has_table_privilege('pg_catalog.pg_largeobject_metadata', 'UPDATE') THEN
      LOCK TABLE pg_catalog.pg_largeobject_metadata IN SHARE MODE;
    END IF;
    FOR one IN SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner) AS owner ${userRelations("'S'")} ${lockable} LOOP
      -- To its own owner: changes nothing, and nextval() waits.
      CONTINUE WHEN rehearsal;
      EXECUTE pg_catalog.format('ALTER SEQUENCE %I.%I OWNER TO %I', one.nspname, one.relname, one.owner);
      EXECUTE pg_catalog.format('SELECT last_value::text, is_called FROM %I.%I', one.nspname, one.relname) INTO is_at, was_called;
      answer := answer || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(one.nspname, one.relname, is_at, was_called));
    END LOOP;
    RETURN pg_catalog.jsonb_build_object('sequences', answer, 'ddl', (SELECT last_value FROM ${storkySchema}.ddl_seen
        WHERE EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = '${holdDdlTrigger}')),
      'largeObjects', EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata));
  END $$;`;

/** Tables for the publication with the identity that UPDATE and DELETE need there; `wanted` is null where it is right already. */
export const identitiesSql = `
  SELECT n.nspname AS schema, c.relname AS name, c.relreplident AS original,
    (SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) AS index,
    CASE
      WHEN c.relreplident = 'f' OR (c.relreplident = 'i' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)) THEN NULL
      WHEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate) THEN CASE c.relreplident WHEN 'd' THEN NULL ELSE 'DEFAULT' END
      ELSE coalesce((
        SELECT 'USING INDEX ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)
        ORDER BY i.indnkeyatts, x.relname LIMIT 1), 'FULL')
    END AS wanted
  ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'p' ORDER BY 1, 2`;
