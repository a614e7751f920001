import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { markerChannel } from '../names.ts';
import { type Address, type Client, connect } from '../wire/connect.ts';

/** More words than a rehearsal and an attempt bring; older ones are nobody's any more. */
const mostKept = 100;

/**
 * Hears the words that the stream brings. The copy says a word to its listeners when it applies it, in the stream's order,
 * so a word that is heard proves that everything before it is here (invariant 3). Words come whether waited for or not.
 */
export class Arrivals {
  readonly #client: Client;
  readonly #heard = new Map<string, number>();
  readonly #waiting = new Map<string, PromiseWithResolvers<number>>();

  private constructor(client: Client) {
    this.#client = client;
    client.on('smessage', (_channel: string, word: string) => this.#arrived(word));
    client.once('end', () => {
      for (const waiter of this.#waiting.values()) waiter.reject(deaf());
    });
  }

  static async listen(address: Address): Promise<Arrivals> {
    const client = await connect(address, 'storky arrivals');
    const arrivals = new Arrivals(client);
    await client.ssubscribe(markerChannel);
    return arrivals;
  }

  get listening(): boolean {
    return this.#client.status === 'ready';
  }

  /** When it was heard, by `performance.now()`. @throws StorkyError timeout at the deadline, link_lost */
  async of(word: string, { at, signal }: Deadline): Promise<number> {
    const heard = this.#heard.get(word);
    if (heard !== undefined) return heard;
    if (!this.listening) throw deaf();
    const waiter = Promise.withResolvers<number>();
    this.#waiting.set(word, waiter);
    const late = () =>
      waiter.reject(new StorkyError('timeout', { what: 'The marker', seconds: 'its budget of', where: 'the target' }));
    const timer = setTimeout(late, Math.max(0, at - performance.now()));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    try {
      return await waiter.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      this.#waiting.delete(word);
    }
  }

  [Symbol.dispose](): void {
    this.#client.disconnect();
  }

  #arrived(word: string): void {
    const now = performance.now();
    this.#heard.set(word, now);
    if (this.#heard.size > mostKept) this.#heard.delete(this.#heard.keys().next().value!);
    this.#waiting.get(word)?.resolve(now);
  }
}

const deaf = () =>
  new StorkyError('link_lost', { region: 'the target', peer: 'its own database', detail: 'the connection ended' });
