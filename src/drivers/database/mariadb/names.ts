import type { Share } from './external/share.ts';
import { literal } from './wire/sql.ts';

/** Every object that Storky makes in a server, by name. Everything else is in the schema `storky`. */
export const storkySchema = 'storky';
export const adminUser = 'storky_admin';
/** The replication connection of the target. */
export const channel = 'storky';
/** A connection that only proves that the other side can be followed; never applies anything. */
export const proofChannel = 'storky_proof';

/** The account with which the target reads the source: at most 32 characters, as older servers have it. */
export function accountFor(migration: string): string {
  const id = migration.replaceAll(/[^0-9a-z]/gi, '').toLowerCase();
  return `storky_r_${id.slice(0, 22)}`;
}

/** For `User`-like columns: neither ours nor the system's. */
export const notOurAccount = (column: string) =>
  `(${column} NOT IN ('${adminUser}', 'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'PUBLIC') AND ${column} NOT LIKE 'storky\\\\_r\\\\_%')`;

/** For `TABLE_SCHEMA`-like columns: schemas of the app. The first comparison is the one that the server can look up, and is not exact. */
export const appSchema = (column: string, share?: Share) =>
  share
    ? `(${column} = ${literal(share.database)} AND BINARY ${column} = ${literal(share.database)})`
    : `${column} NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', '${storkySchema}')`;
