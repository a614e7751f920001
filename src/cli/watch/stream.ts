import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { StorkyError } from '../../protocol/errors.ts';
import { type Migration, restingStatuses } from '../../protocol/migration.ts';
import type { ControlClient } from '../connection/client.ts';

/** A phase that was asked for shows by then; if not, what is seen is how things are. */
const startsWithinMs = 15_000;

interface WatchOptions {
  signal: AbortSignal;
  /** As it was before a phase was started: the first look may still see that, and it must not pass for the end. */
  before?: Migration;
  /** Told at each try to reconnect; null when the connection is back. */
  onLost(note: string | null): void;
  /** How long a lost server is waited for. */
  patienceMs?: number;
}

/** The migration at every change, pushed by the server, until no phase is running. Outlives a restart of the server. */
export async function* changesOf(
  api: ControlClient,
  migration: { app: string; id: string },
  { signal, before, onLost, patienceMs = 180_000 }: WatchOptions,
): AsyncGenerator<Migration> {
  const beganAt = Date.now();
  let started = before === undefined;
  let failures = 0;
  let lostAt = 0;
  while (true) {
    try {
      for await (const now of await api.migrations.watch(migration, { signal })) {
        if (failures > 0) onLost(null);
        failures = 0;
        started ||= !unchanged(now, before!) || Date.now() - beganAt > startsWithinMs;
        if (!started) continue;
        yield now;
        if (restingStatuses.includes(now.status)) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (failures === 0) lostAt = Date.now();
      failures += 1;
      if (!isLost(error) || Date.now() - lostAt > patienceMs) throw error;
      onLost(`Connection lost. Reconnecting (${failures})…`);
    }
    await sleep(Math.min(200 * 2 ** failures, 5_000), undefined, { signal });
  }
}

const isLost = (error: unknown) => error instanceof StorkyError && error.code === 'server_unreachable';

/** Not by status alone: a phase that is run again and fails again ends as it began. */
function unchanged(now: Migration, before: Migration): boolean {
  const mark = ({ status, finishedAt, steps }: Migration) => ({ status, finishedAt, steps });
  return isDeepStrictEqual(mark(now), mark(before));
}
