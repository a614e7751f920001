import type { SourceEndpoint } from '../../drivers/store.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { streamOf } from '../migrations/stream.ts';
import { startCarrying } from '../target/carrying.ts';
import type { TargetSide } from '../target/target-side.ts';
import { backwards, ticketFrom, type WayBackOf } from './prove.ts';

/**
 * After the switch to `epoch`, on the side that the app has left: it follows the other one from the turn on. Goes on by
 * itself, also after a restart. Idempotent; an app that is served here again is left alone.
 */
export function followBack(
  side: TargetSide,
  { app, migration, epoch }: { app: string; migration: string; epoch: number },
): void {
  const now = side.home.epochs(app).read();
  if (now.role === 'active' || now.epoch !== epoch) return;
  const stream = streamOf(migration, epoch + 1);
  const known = side.records.find(migration, 'target');
  if (known?.stream !== stream) {
    const back = backwards(side.records.get(migration, 'source'), epoch);
    side.records.put({ ...back, stores: {} });
  }
  const { proven = {} } = side.records.get(migration, 'source');
  for (const [name, ticket] of Object.entries(proven)) startCarrying(side, migration, name, 'live', ticket);
}

/** Instead of a copy: both sides were equal at the turn, which was taken in the freeze. */
export async function beginBack(
  side: TargetSide,
  wayBackOf: WayBackOf,
  record: MigrationRecord,
  name: string,
  endpoint: SourceEndpoint,
  signal: AbortSignal,
): Promise<void> {
  const { app, stream } = record;
  const { turns } = side.home.epochs(app).read();
  const ticket = await ticketFrom(side, record, name, signal);
  const store = await wayBackOf(app, name);
  await store.begin(stream, ticket, endpoint, turns?.[name] ?? null, signal);
}
