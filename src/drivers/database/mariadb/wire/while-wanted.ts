import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, type Client, withClient } from './connect.ts';

const againMs = 200;

/**
 * What a session does for as long as somebody wants it: an abort ends the statement that runs, however long it would take.
 * Rejects with the signal's reason then.
 */
export async function whileWanted<T>(
  address: Address,
  client: Client,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending = end(address, client.threadId, over.signal);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
    over.abort();
    // Nothing may arrive in what the session does next.
    await ending;
  }
}

/** Again and again: between two statements there is nothing to end, and the next one may be the long one. */
async function end(address: Address, id: number, over: AbortSignal): Promise<void> {
  while (!over.aborted)
    await withClient(address, async (client) => {
      while (!over.aborted) {
        await client.query(`KILL QUERY ${id}`);
        await sleep(againMs, undefined, { signal: over }).catch(() => {});
      }
    }).catch(() => sleep(againMs, undefined, { signal: over }).catch(() => {}));
}
