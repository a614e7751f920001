import { storkySchema } from '../names.ts';
import { letIn } from '../source/seal.ts';

/**
 * Opens a copy to writers, in one commit; true when it is open by this epoch. The marker is asked for once more: it must be
 * here, whatever happened since (invariant 3). A seal of an earlier switch goes in the same commit, and only then: asked
 * again on a side that a later switch has sealed, this changes nothing.
 *
 * The same commit says where the way back begins (invariant 7): everything that the switch brought is in the log before
 * that position, since the marker is visible; everything that the app writes comes after it, since nobody could write
 * before. Said anywhere else, earlier, it could be void: after a crash of this server what was applied but not on disk comes
 * once more, at other positions.
 */
export const createOpening = `
  CREATE OR REPLACE FUNCTION ${storkySchema}.open_to_writers(switch_epoch bigint) RETURNS bool LANGUAGE plpgsql AS $$
  BEGIN
    -- What came by a backup, or is its user's, has no stream, and so no marker.
    UPDATE ${storkySchema}.standby SET writable = true, epoch = switch_epoch WHERE NOT writable
      AND (NOT EXISTS (SELECT FROM ${storkySchema}.copy) OR EXISTS (SELECT FROM ${storkySchema}.marker m JOIN ${storkySchema}.copy c ON c.stream = m.migration WHERE m.epoch = switch_epoch));
    IF FOUND THEN
      UPDATE ${storkySchema}.way_back SET turn = pg_catalog.pg_current_wal_insert_lsn() WHERE turn IS NULL;
      ${letIn}
    END IF;
    RETURN EXISTS (SELECT FROM ${storkySchema}.standby WHERE writable AND epoch = switch_epoch);
  END $$;`;
