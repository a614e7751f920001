import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, type Client, withClient } from './connect.ts';

const againMs = 200;

/**
 * What a session does for as long as somebody wants it: an abort ends the statement that runs, however long it would take.
 * Rejects with the signal's reason then; the session can be used further.
 */
export async function whileWanted<T>(
  address: Address,
  client: Client,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0];
  const over = new AbortController();
  let cancelling: Promise<void> | undefined;
  const stop = () => {
    cancelling = cancel(address, pid, over.signal);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
    over.abort();
    // Nothing may arrive in what the session does next, nor in whose number is the same later.
    await cancelling;
  }
}

/** Again and again: between two statements there is nothing to end, and the next one may be the long one. */
async function cancel(address: Address, pid: number, over: AbortSignal): Promise<void> {
  while (!over.aborted)
    await withClient(address, async (client) => {
      while (!over.aborted) {
        await client.query('SELECT pg_cancel_backend($1)', [pid]);
        await sleep(againMs, undefined, { signal: over }).catch(() => {});
      }
    }).catch(() => sleep(againMs, undefined, { signal: over }).catch(() => {}));
}
