import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { channel, storkySchema } from '../names.ts';
import { type Address, type Client, connect, disconnect, versionOf } from '../wire/connect.ts';

/** Hears of every marker that the stream applies, on a connection that is open beforehand. Pushed, never looked for. */
export class Arrivals {
  readonly #client: Client;
  readonly #seen = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #lost = false;
  /** One query at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #poll: NodeJS.Timeout | undefined;

  private constructor(client: Client, pushed: boolean) {
    this.#client = client;
    client.on('notification', ({ payload }) => this.#arrived(payload ?? ''));
    client.once('end', () => {
      this.#lost = true;
    });
    // Before 15, what the stream's worker notifies may be delivered late: there, and only while somebody waits, also look.
    if (!pushed) this.#poll = setInterval(() => void this.#look(), 3).unref();
  }

  static async listen(address: Address): Promise<Arrivals> {
    const client = await connect(address, { name: 'storky arrivals' });
    const arrivals = new Arrivals(client, (await versionOf(client)) >= 15);
    await client.query(`LISTEN ${channel}`);
    return arrivals;
  }

  async usable(): Promise<boolean> {
    return (
      !this.#lost &&
      (await this.#query('SELECT 1').then(
        () => true,
        () => false,
      ))
    );
  }

  /** Forgets what was seen: markers of an attempt that backed out must not count for the next (invariant 2). */
  async forget(migration: string): Promise<void> {
    await this.#query(`DELETE FROM ${storkySchema}.marker WHERE migration = $1 AND epoch <> 0`, [migration]);
    this.#seen.clear();
  }

  /** Resolves with the moment of arrival (`performance.now()`). Throws `timeout` at the deadline. */
  async of(migration: string, epoch: number | string, { at, signal }: Deadline): Promise<number> {
    const key = `${migration} ${epoch}`;
    const heard = this.#wait(key, at, signal);
    // One look, for a marker whose notification was sent before this connection listened.
    this.#check(migration, epoch).then(
      (there) => there && this.#arrived(key),
      () => {},
    );
    return heard;
  }

  #wait(key: string, at: number, signal: AbortSignal): Promise<number> {
    const seen = this.#seen.get(key);
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', late);
        this.#client.removeListener('end', cut);
        waiting.delete(arrived);
        if (waiting.size === 0) this.#waiting.delete(key);
        settle();
      };
      const arrived = () => end(() => resolve(this.#seen.get(key)!));
      const late = () =>
        end(() =>
          reject(
            new StorkyError('timeout', { what: 'The arrival of the marker', seconds: 0, where: 'the target agent' }),
          ),
        );
      const cut = () =>
        end(() =>
          reject(
            new StorkyError('link_lost', {
              region: 'the target',
              peer: 'its database',
              detail: 'the connection ended',
            }),
          ),
        );
      const timer = setTimeout(late, Math.max(0, at - performance.now()));
      signal.addEventListener('abort', late, { once: true });
      this.#client.once('end', cut);
      waiting.add(arrived);
      if (signal.aborted) late();
    });
  }

  #arrived(key: string): void {
    if (!this.#seen.has(key)) this.#seen.set(key, performance.now());
    for (const wake of this.#waiting.get(key) ?? []) wake();
  }

  async #check(migration: string, epoch: number | string): Promise<boolean> {
    const { rowCount } = await this.#query(`SELECT FROM ${storkySchema}.marker WHERE migration = $1 AND epoch = $2`, [
      migration,
      epoch,
    ]);
    return rowCount! > 0;
  }

  #query(text: string, values: unknown[] = []): Promise<{ rowCount: number | null }> {
    const answer = this.#turn.then(() => this.#client.query(text, values));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #look(): Promise<void> {
    for (const key of this.#waiting.keys()) {
      const at = key.lastIndexOf(' ');
      if (await this.#check(key.slice(0, at), key.slice(at + 1)).catch(() => false)) this.#arrived(key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#poll);
    await disconnect(this.#client);
  }
}
