import { StorkyError } from '../../../../protocol/errors.ts';
import type { Lag, SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { namesFor, storkySchema } from '../names.ts';
import { assertSlot } from '../source/slot.ts';
import type { Ticket } from '../ticket.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { lastApplyError } from './apply-errors.ts';
import { withPassFile } from './pass-file.ts';
import { subscribe } from './subscription.ts';

/** Starts the stream and returns when its worker is connected. Throws `link_lost` after 30 s without, and
 * `copy_interrupted` when this ticket's copy is not complete here. */
export async function followSource(
  instance: DatabaseInstance,
  ticket: Ticket,
  from: SourceEndpoint,
  signal: AbortSignal,
): Promise<void> {
  await withClient(adminOf(instance), async (client) => {
    await assertCopied(client, ticket);
    await subscribe(client, withPassFile(instance, ticket), from);
    for (const end = Date.now() + 30_000; ; ) {
      signal.throwIfAborted();
      if ((await worker(client, ticket.migration)).streams) return;
      if (Date.now() > end) throw lost(lastApplyError(instance, await begunAt(client)) ?? 'the stream did not start');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
}

/** A stream from one slot on top of a copy from another would leave a hole between the two that nobody sees. */
export async function assertCopied(client: Client, ticket: Ticket): Promise<void> {
  const copied = `SELECT FROM ${storkySchema}.copy WHERE ticket = $1 AND EXISTS (SELECT FROM ${storkySchema}.copy_step WHERE step = 'copied')`;
  const there = await client.query(`SELECT to_regclass('${storkySchema}.copy') IS NOT NULL AS there`);
  if (there.rows[0].there && (await client.query(copied, [ticket.id])).rowCount! > 0) return;
  throw new StorkyError('copy_interrupted', {
    store: 'The database',
    detail: 'what is here was not copied with this ticket',
  });
}

/** When this copy was begun, milliseconds of the epoch: what the stream of an earlier one could not apply is past. */
export async function begunAt(client: Client): Promise<number> {
  const { rows } = await client.query(
    `SELECT extract(epoch FROM begun)::float8 * 1000 AS at FROM ${storkySchema}.copy`,
  );
  return rows[0]?.at ?? 0;
}

export const lost = (detail: string) =>
  new StorkyError('link_lost', { region: 'the target', peer: 'the source', detail });

interface Worker {
  there: boolean;
  streams: boolean;
  silentMs: number;
}

export async function worker(client: Client, migration: string): Promise<Worker> {
  const { rows } = await client.query(
    `SELECT true AS there, w.received_lsn IS NOT NULL AS streams,
      coalesce(extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time) * 1000, 0)::float8 AS "silentMs"
      FROM pg_subscription s LEFT JOIN pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL WHERE s.subname = $1
      ORDER BY w.received_lsn IS NOT NULL DESC`, // parallel workers (16) have none
    [namesFor(migration).subscription],
  );
  return rows[0] ?? { there: false, streams: false, silentMs: 0 };
}

/** What the source has written and this side has not applied; asked of the source, which knows both. */
export async function lagOf(source: Client, slot: string): Promise<Lag> {
  const { rows } = await source.query(
    `SELECT greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(r.replay_lsn, s.confirmed_flush_lsn)), 0)::float8 AS bytes,
      CASE WHEN r.pid IS NULL THEN NULL ELSE coalesce(extract(epoch FROM r.replay_lag) * 1000, 0) END::float8 AS ms
      FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = $1`,
    [slot],
  );
  await assertSlot(source, slot);
  if (rows[0]?.ms == null) throw lost('the stream is not connected');
  return rows[0] as Lag;
}
