import { createHash } from 'node:crypto';

/**
 * The id of the stream by which a later switch of a migration will come about, to the given epoch: the way back from one
 * switch, and forth from the next. Both agents and every restart find the same one. The first stream has the migration's id.
 */
export function streamOf(migration: string, epoch: number): string {
  const hex = createHash('sha256').update(`${migration}/${epoch}`).digest('hex');
  // RFC 9562: version 8, whose bits are ours to choose.
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** Does the side that holds this record follow the way that leads back from a switch? Then nothing was copied to it. */
export const isWayBack = ({ migration, stream }: { migration: string; stream: string }): boolean =>
  stream !== migration;
