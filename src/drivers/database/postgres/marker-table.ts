import { storkySchema } from './names.ts';

/**
 * The same table on both sides. Epoch > 0: the marker of a switch. Epoch 0: what the target has to say, that the copy is
 * complete (with the ticket's id) or what is below. Epoch < 0: a probe.
 * Rows are only ever inserted, so that a marker stands for one moment of the source's history.
 */
export const createMarkerTable = `
  CREATE SCHEMA IF NOT EXISTS ${storkySchema};
  CREATE TABLE IF NOT EXISTS ${storkySchema}.marker (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    migration text NOT NULL,
    epoch bigint NOT NULL,
    sequences jsonb,
    fingerprint text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );`;

/** The replica identities that Storky changed, as they were: [schema, table, identity, index]. */
export const createIdentityTable = `
  CREATE TABLE IF NOT EXISTS ${storkySchema}.identity (
    schema text, name text, original "char" NOT NULL, index text, PRIMARY KEY (schema, name)
  );`;

/** The target's word that the server with this identity makes first copies of single tables, with slots of its own here. */
export const copiesFor = (systemIdentifier: string): string => `copies for ${systemIdentifier}`;
/** The target's word that a table cannot join the stream of this ticket. */
export const cannotAddTo = (ticket: string): string => `cannot add to ${ticket}`;
