import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { may } from '../external/refusals.ts';
import { markerChannel } from '../names.ts';
import { recall, remember } from '../server/memory.ts';
import { adminOf, askAll, atomically, type Client, type Command, connect, usable } from '../wire/connect.ts';
import { infoOf, type Position, positionOf } from '../wire/info.ts';
import { settingsOf } from './sizes.ts';

/**
 * The fence and the marker are one moment: a transaction that pauses every write, and then says a word that nobody can
 * guess on a channel. Redis lets a transaction write after its own pause, and nobody else: not other sessions, not
 * scripts, not expiry, not eviction. So the word is the last thing in the stream (invariant 2), and whoever hears it on the
 * replica knows that everything before it was applied there (invariant 3). It is pushed, and leaves no key behind.
 *
 * A paused writer waits and sees nothing when the switch backs out. Reading goes on.
 *
 * The pause ends by itself, so a dead agent keeps nobody waiting; what that could cost is caught by the seal, which
 * compares the stream's position: it must not have moved since the marker. For that the master's own pings, which are in
 * the stream too, are put off while the fence is up.
 */
export class Fence {
  readonly client: Client;
  readonly #instance: DatabaseInstance;
  #word: string | undefined;
  #position: Position | undefined;

  private constructor(client: Client, instance: DatabaseInstance) {
    this.client = client;
    this.#instance = instance;
  }

  static async open(instance: DatabaseInstance): Promise<Fence> {
    const client = await connect(adminOf(instance), 'storky fence');
    if (!instance.external || (await may(client, ['CONFIG', 'GET', pings], ['CONFIG', 'SET', pings, 10]))) {
      const { [pings]: before } = await settingsOf(client, [pings]);
      remember(instance, ({ changed }) => {
        changed[pings] ??= before!;
      });
    }
    return new Fence(client, instance);
  }

  usable(): Promise<boolean> {
    return usable(this.client);
  }

  /** @throws StorkyError long_transaction when a script is still running at the deadline (invariant 4) */
  async raise({ at, signal }: Deadline): Promise<void> {
    for (;;) {
      const left = Math.ceil(at - performance.now());
      if (left <= 0 || signal.aborted) throw busy(0);
      if (await this.#pause(left + marginMs)) return;
      await sleep(5);
    }
  }

  /** Where the stream ended when the marker was in it. */
  get position(): Position | undefined {
    return this.#position;
  }

  get word(): string {
    if (!this.#word) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    return this.#word;
  }

  /** Whoever waited goes on as if nothing had been. Idempotent. */
  async lower(): Promise<void> {
    this.#word = undefined;
    this.#position = undefined;
    await lower(this.#instance, this.client);
  }

  [Symbol.dispose](): void {
    this.client.disconnect();
  }

  async #pause(ms: number): Promise<boolean> {
    const word = randomBytes(16).toString('hex');
    const began = performance.now();
    try {
      await atomically(this.client, [
        ...(pings in recall(this.#instance).changed ? [['CONFIG', 'SET', pings, 86_400]] : []),
        ['CLIENT', 'PAUSE', ms, 'WRITE'],
        ['SPUBLISH', markerChannel, word],
      ]);
    } catch (error) {
      if (!isBusy(error)) throw error;
      return false;
    }
    // Asked for now, not when it is needed: a position that was read after the pause had run out would hide what came then.
    const position = positionOf(await infoOf(this.client, 'replication'));
    if (performance.now() - began > ms) return false;
    this.#word = word;
    this.#position = position;
    return true;
  }
}

/** Takes every pause away, also one of a process that died. */
export async function lower(instance: DatabaseInstance, client: Client): Promise<void> {
  await askAll(client, [['CLIENT', 'UNPAUSE'], ...usualPings(instance)]);
}

/** The master's pings come as often as before the fence; how often that is, is kept for the next one. */
export function usualPings(instance: DatabaseInstance): Command[] {
  const before = recall(instance).changed[pings];
  return before === undefined ? [] : [['CONFIG', 'SET', pings, before]];
}

const pings = 'repl-ping-replica-period';

/** The pause outlasts the deadline, so that it cannot end while the seal is under way. */
const marginMs = 2_000;

/** A script runs for longer than `busy-reply-threshold`, and the transaction was not begun. */
const isBusy = (error: unknown): boolean => /^(BUSY|EXECABORT)/.test((error as Error).message);

export const busy = (seconds: number) =>
  new StorkyError('long_transaction', { store: 'The database', seconds, detail: 'a script or a slow command' });
