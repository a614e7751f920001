import type { Duplex } from 'node:stream';
import type { SourceHome } from './home.ts';
import { serveTunnel } from './link/tunnel.ts';

/** Joins a stream of the link with the database; one that Storky does not run may be reached in a way of its own. */
export async function serveDatabase(
  stream: Duplex,
  { engine, instance }: Awaited<ReturnType<SourceHome['database']>>,
): Promise<void> {
  const dial = instance.external && engine.dial ? () => engine.dial!(instance) : undefined;
  await serveTunnel(stream, instance, dial);
}
