import { randomUUID } from 'node:crypto';
import { StorkyError } from '../../../../protocol/errors.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

/**
 * Writes a probe on the source and waits until the stream has applied it here. When it resolves, everything that the source
 * had committed before the call is applied. Returns milliseconds. Throws `timeout` after `seconds`.
 */
export async function probe(
  source: Client,
  here: Client,
  migration: string,
  signal: AbortSignal,
  seconds = 30,
): Promise<number> {
  signal.throwIfAborted();
  const began = performance.now();
  const answers = await source.batch(
    `INSERT INTO ${storkySchema}.marker (id, migration, epoch) VALUES ('${randomUUID()}', ${literal(migration)}, -1)`,
    `SELECT ${source.dialect.position} AS gtid`,
  );
  const reached = await here.value(`SELECT ${here.dialect.waitFor(answers[1]![0]!.gtid!, seconds)}`);
  if (reached === '0') return performance.now() - began;
  throw new StorkyError('timeout', { what: 'A probe through the stream', seconds, where: 'the target agent' });
}

/** The link's round trip, milliseconds: the shortest of some. */
export async function roundTrip(source: Client): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5; n++) {
    const began = performance.now();
    await source.query('SELECT 1');
    shortest = Math.min(shortest, performance.now() - began);
  }
  return shortest;
}
