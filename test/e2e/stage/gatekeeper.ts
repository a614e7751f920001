import type { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { session } from './database.ts';

/** Well below what the check before a switch takes for a long transaction. Milliseconds. */
const turnMs = 1_000;

/** A transaction in the way of the fence, so that a freeze lasts for as long as the test wants. */
export interface Gatekeeper {
  /** Ends it with a commit, after the given statement. */
  release(statement?: string): Promise<void>;
}

/**
 * Two sessions take turns at holding the lock, so that it is always held and no transaction is ever old: on a slow
 * machine, too, the switch begins, and then waits.
 */
export async function gatekeeper(url: string): Promise<Gatekeeper> {
  let [holder, other] = await Promise.all([session(url), session(url)]);
  await take(holder);
  let turning = Promise.resolve();
  const timer = setInterval(() => {
    turning = turning.then(async () => {
      if (!(await take(other))) return; // the fence waits before it in the line; the holder goes on
      await holder.query('ROLLBACK');
      [holder, other] = [other, holder];
    });
    turning.catch(() => {});
  }, turnMs);
  onTestFinished(() => clearInterval(timer));
  return {
    async release(statement = 'SELECT 1') {
      clearInterval(timer);
      await turning;
      await holder.query(`${statement}; COMMIT`);
    },
  };
}

async function take(client: Client): Promise<boolean> {
  try {
    await client.query(`BEGIN; SET LOCAL lock_timeout = '200ms'; LOCK TABLE daily_totals IN ROW EXCLUSIVE MODE`);
    return true;
  } catch {
    await client.query('ROLLBACK');
    return false;
  }
}
