import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { fingerprintSql } from '../fingerprint.ts';
import { storkySchema } from '../names.ts';
import { type Client, stateOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import type { Fence, Standstill } from './fence.ts';

/**
 * The marker: written while the fence holds every table, hence after the last write (invariant 2). It carries the final
 * value of every sequence. If there was any DDL since `knownDdl`, or may have been, the structure is compared, which nobody can change any
 * more: a table that the stream does not know would be lost. Throws `schema_changed`, `engine_refused`, or `timeout` at the
 * deadline.
 */
export async function writeMarker(
  fence: Fence,
  migration: string,
  epoch: number,
  deadline: Deadline,
  knownDdl: number | null | undefined,
): Promise<void> {
  const left = Math.floor(deadline.at - performance.now());
  if (left <= 0 || deadline.signal.aborted) throw late();
  const { sequences, ddl } = fence.found;
  assertNoLargeObjects(fence.found);
  if (ddl === null || ddl !== knownDdl) await assertSameStructure(fence.watch, migration);
  const written = insertMarker(fence, [migration, String(epoch), JSON.stringify(sequences)], left);
  fence.draftSeal();
  await written;
}

/** Throws `schema_changed` when the structure is not the one that was copied. */
export async function assertSameStructure(client: Client, migration: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT t.fingerprint = (${fingerprintSql}) AS same FROM ${storkySchema}.ticket t WHERE t.migration = $1`,
    [migration],
  );
  if (rows[0]?.same !== true)
    throw new StorkyError('schema_changed', {
      store: 'The database',
      detail: 'its structure is not the one that was copied',
    });
}

/**
 * They are in no stream, and no event trigger sees them: what the app has put there since the preflight would be lost.
 * Throws `engine_refused`.
 */
export function assertNoLargeObjects({ largeObjects }: Standstill): void {
  if (!largeObjects) return;
  const hint = 'Remove them, or move the app with the carrier `backup` for this addon.';
  throw new StorkyError('engine_refused', {
    engine: 'PostgreSQL',
    detail: 'it has large objects by now, which cannot be followed',
    hint,
  });
}

/** One round trip, one transaction; the time limit ends with it, whatever becomes of it. */
async function insertMarker(fence: Fence, row: string[], left: number): Promise<void> {
  const values = row.map(literal).join(', ');
  try {
    await fence.control.query(
      `SET LOCAL statement_timeout = ${left}; INSERT INTO ${storkySchema}.marker (migration, epoch, sequences) VALUES (${values})`,
    );
  } catch (error) {
    throw stateOf(error) === '57014' ? late() : error;
  }
}

const late = () => new StorkyError('timeout', { what: 'Writing the marker', seconds: 0, where: 'the source agent' });
