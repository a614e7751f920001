import { ownServer, refuseDdlTrigger, refuseDropTrigger, storkySchema } from '../names.ts';

const refusal = `RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction', MESSAGE = 'this copy of the database is not active yet',
  HINT = 'It becomes writable when the app is switched to this region.'`;
/** Asked in functions that run as their maker, who is Storky. */
const closed = `session_user <> current_user AND EXISTS (SELECT FROM ${storkySchema}.standby WHERE NOT writable)`;

/** What a writer on a copy is told; DDL by event triggers, rows by the trigger function. */
export const createRefusals = `
  CREATE OR REPLACE FUNCTION ${storkySchema}.refuse_writes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    IF ${closed} THEN ${refusal}; END IF;
    RETURN NULL;
  END $$;
  CREATE OR REPLACE FUNCTION ${storkySchema}.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp') AND ${closed} THEN ${refusal}; END IF;
  END $$;
  CREATE OR REPLACE FUNCTION ${storkySchema}.refuse_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
  BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary) AND ${closed} THEN ${refusal}; END IF;
  END $$;
  DROP EVENT TRIGGER IF EXISTS ${refuseDdlTrigger};
  DROP EVENT TRIGGER IF EXISTS ${refuseDropTrigger};
  DO $$ BEGIN
    CREATE EVENT TRIGGER ${refuseDdlTrigger} ON ddl_command_end EXECUTE FUNCTION ${storkySchema}.refuse_ddl();
    CREATE EVENT TRIGGER ${refuseDropTrigger} ON sql_drop EXECUTE FUNCTION ${storkySchema}.refuse_drop();
  EXCEPTION WHEN insufficient_privilege THEN
    -- A superuser's to make. Without, only rows are refused to whoever writes into the copy before it is the app's.
    IF ${ownServer} THEN RAISE; END IF;
  END $$;`;
