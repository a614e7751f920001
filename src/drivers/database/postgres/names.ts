/** Every object that Storky makes in a database, by name. Everything else is in the schema `storky`. */
export const storkySchema = 'storky';
export const adminRole = 'storky_admin';
export const holdDdlTrigger = 'storky_hold_ddl';
export const refuseDdlTrigger = 'storky_refuse_ddl';
export const refuseDropTrigger = 'storky_refuse_drop';
export const refuseWritesTrigger = 'storky_refuse_writes';
export const channel = 'storky';

/** Key of the advisory lock under which DDL runs on a source: shared by every DDL, exclusive for the fence. */
export const ddlLock = 0x53746f72;

export interface MigrationNames {
  role: string;
  /** Followed by a part that is new for every ticket: a stream must not go on from a slot that was made anew. */
  slotPrefix: string;
  publication: string;
  subscription: string;
}

export function namesFor(migration: string): MigrationNames {
  const id = migration
    .replaceAll(/[^0-9a-z]/gi, '')
    .toLowerCase()
    .slice(0, 32);
  return {
    role: `storky_r_${id}`,
    slotPrefix: `storky_${id}_`,
    publication: `storky_${id}`,
    subscription: `storky_${id}`,
  };
}

/**
 * For `rolname`-like columns: not ours, nor the system's. In a database that Storky does not run, ours is the administrator
 * whose address was given, and whoever asks.
 */
export const notOurRole = (column: string) =>
  `(${column} !~ '^(pg_|storky_admin$|storky_r_)' AND ${column} <> session_user)`;

/** On a server that Storky runs, all of it is the app's; elsewhere, only this one database is. */
export const ownServer = `(session_user = '${adminRole}')`;
