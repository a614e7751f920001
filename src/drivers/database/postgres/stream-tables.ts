import { createIdentityTable, createMarkerTable } from './marker-table.ts';
import { storkySchema } from './names.ts';

/**
 * What a side remembers of its streams; both roles use the same tables, as a side that was a copy becomes a source and the
 * other way round. `ticket`: streams that are read from here. `copy`: the one that is applied here, with what is done of
 * it. `standby`: may the app write here? `way_back`: where each stream back begins, once it is known.
 */
export const createStreamTables = `${createMarkerTable} ${createIdentityTable}
  CREATE TABLE IF NOT EXISTS ${storkySchema}.ticket (migration text PRIMARY KEY, ticket jsonb NOT NULL, fingerprint text NOT NULL);
  CREATE TABLE IF NOT EXISTS ${storkySchema}.copy (ticket text NOT NULL, stream text NOT NULL, begun timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE TABLE IF NOT EXISTS ${storkySchema}.copy_step (step text PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS ${storkySchema}.standby (
    one bool PRIMARY KEY DEFAULT true CHECK (one), writable bool NOT NULL, epoch bigint, sealed_before bool NOT NULL DEFAULT false
  );
  CREATE TABLE IF NOT EXISTS ${storkySchema}.way_back (stream text PRIMARY KEY, turn pg_lsn);`;
