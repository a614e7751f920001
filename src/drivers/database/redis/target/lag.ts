import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Lag } from '../../../store.ts';
import type { Client } from '../wire/connect.ts';
import { infoOf, type Position, positionOf } from '../wire/info.ts';

/** Longest that one look waits for the copy to come to where the source was. */
const longestLookMs = 1_200;

/** Asks the source where it is and watches how long the copy takes to be there: a lag that is measured, not supposed. */
export class LagWatch {
  #behind: { position: Position; since: number } | undefined;

  async look(source: Client, target: Client): Promise<Lag> {
    const position = positionOf(await infoOf(source, 'replication'));
    const asked = performance.now();
    const bytes = await missing(target, position);
    if (bytes === 0) return this.#inSync();
    if (this.#behind && (await missing(target, this.#behind.position)) === 0) this.#behind = undefined;
    this.#behind ??= { position, since: asked };
    const { since } = this.#behind;
    while (performance.now() - asked < longestLookMs) {
      await sleep(5);
      if ((await missing(target, position)) > 0) continue;
      this.#inSync();
      break;
    }
    return { bytes, ms: Math.round(performance.now() - since) };
  }

  #inSync(): Lag {
    this.#behind = undefined;
    return { bytes: 0, ms: 0 };
  }
}

/** Resolves when all that the source had written before the call is applied here. @throws StorkyError link_lost after 60 s */
export async function caughtUp(source: Client, target: Client, signal: AbortSignal): Promise<void> {
  const position = positionOf(await infoOf(source, 'replication'));
  for (const end = Date.now() + 60_000; (await missing(target, position)) > 0; await sleep(5)) {
    signal.throwIfAborted();
    if (Date.now() > end)
      throw new StorkyError('link_lost', {
        region: 'the target',
        peer: 'the source',
        detail: 'the stream stands still',
      });
  }
}

/** Bytes of the stream that are not applied yet. All of it, where the copy is of another history. */
async function missing(target: Client, { history, offset }: Position): Promise<number> {
  const info = await infoOf(target, 'replication');
  const follows = info.master_link_status === 'up' && info.master_replid === history;
  return follows ? Math.max(0, offset - Number(info.slave_repl_offset)) : Math.max(1, offset);
}
