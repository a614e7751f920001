import { storkySchema } from '../names.ts';
import { literal } from '../wire/sql.ts';
import type { Share } from './share.ts';

/**
 * What a stream from a server that others use too may bring: the app's database, and the markers. By the first list nothing is
 * executed for a session that is in another database; by the second no table, database or account of anybody else is touched.
 * The server keeps its lists for longer than a stream: one without a share empties them.
 */
export function filterStatements(stream: string, share: Share | undefined): string[] {
  const databases = share ? `${share.database},${storkySchema}` : '';
  const tables = share ? `${share.database.replaceAll(/[_%\\]/g, '\\$&')}.%,${storkySchema}.marker` : '';
  return [
    `SET GLOBAL ${stream}.replicate_do_db = ${literal(databases)}`,
    `SET GLOBAL ${stream}.replicate_wild_do_table = ${literal(tables)}`,
  ];
}
