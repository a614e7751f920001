import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Joins two streams both ways, with backpressure. The end of one direction ends that direction alone; where either side
 * breaks, the other is destroyed. Resolves when both are closed; never rejects, since a broken pipe is an end too.
 */
export async function splice(a: Duplex, b: Duplex): Promise<void> {
  a.pipe(b);
  b.pipe(a);
  await Promise.all([follow(a, b), follow(b, a)]);
}

function follow(stream: Duplex, other: Duplex): Promise<void> {
  stream.on('error', () => {});
  return new Promise((resolve) => {
    stream.once('close', () => {
      // Closed after both its ends: what the other side has not flushed yet is still wanted there.
      if (!stream.readableEnded || !stream.writableFinished) breakOff(other, stream.errored);
      resolve();
    });
    if (stream.closed) stream.emit('close');
  });
}

/** A reset, where there is one: a database client must not take a cut for an orderly goodbye. */
export function breakOff(stream: Duplex, error: Error | null): void {
  if (stream instanceof Socket) stream.resetAndDestroy();
  else stream.destroy(error ?? undefined);
}
