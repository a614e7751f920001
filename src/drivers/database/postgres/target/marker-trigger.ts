import { channel, storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';

/**
 * Runs when the stream applies a marker: sets every sequence to the value that it carries, then tells who waits. In that
 * order and in one transaction, so whoever hears of the marker finds the sequences set (invariant 3). Only the stream fires
 * it: on a side that is followed too, a marker written here waits for nothing.
 */
export async function createTargetFunctions(client: Client): Promise<void> {
  await client.query(`
    CREATE OR REPLACE FUNCTION ${storkySchema}.marker_applied() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.setval(pg_catalog.to_regclass(pg_catalog.format('%I.%I', s ->> 0, s ->> 1)), (s ->> 2)::pg_catalog.int8, (s ->> 3)::pg_catalog.bool)
        FROM pg_catalog.jsonb_array_elements(NEW.sequences) s;
      PERFORM pg_catalog.pg_notify('${channel}', NEW.migration || ' ' || NEW.epoch);
      RETURN NULL;
    END $$;
    DROP TRIGGER IF EXISTS marker_applied ON ${storkySchema}.marker;
    CREATE TRIGGER marker_applied AFTER INSERT ON ${storkySchema}.marker FOR EACH ROW EXECUTE FUNCTION ${storkySchema}.marker_applied();
    ALTER TABLE ${storkySchema}.marker ENABLE REPLICA TRIGGER marker_applied;`);
}
