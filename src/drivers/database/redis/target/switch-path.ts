import { randomBytes } from 'node:crypto';
import type { DatabaseInstance } from '../../contract.ts';
import { markerChannel } from '../names.ts';
import { digestOf, readSurroundings, takeOver } from '../surroundings.ts';
import type { Ticket } from '../ticket.ts';
import { adminOf, ask, type Client, connect, usable } from '../wire/connect.ts';
import { Arrivals } from './arrivals.ts';
import { isOnDisk } from './durable.ts';

/** Some, since the first ones open ways that stay open. */
const probes = 5;

/** What the freeze needs on the target, open before it: the listener for the marker, and the session that opens the server. */
export class SwitchPath {
  readonly client: Client;
  readonly arrivals: Arrivals;
  /** Of the users and settings that were taken over last. */
  surroundings = '';
  readonly #instance: DatabaseInstance;

  private constructor(instance: DatabaseInstance, client: Client, arrivals: Arrivals) {
    this.#instance = instance;
    this.client = client;
    this.arrivals = arrivals;
  }

  static async open(instance: DatabaseInstance): Promise<SwitchPath> {
    const client = await connect(adminOf(instance), 'storky switch');
    try {
      return new SwitchPath(instance, client, await Arrivals.listen(adminOf(instance)));
    } catch (error) {
      client.disconnect();
      throw error;
    }
  }

  async usable(): Promise<boolean> {
    return this.arrivals.listening && (await usable(this.client));
  }

  /**
   * Takes over users and settings once more, then sends words the whole way: source, stream, listener. Answers with the
   * shortest time, milliseconds.
   */
  async prove(source: Client, ticket: Ticket, signal: AbortSignal): Promise<number> {
    const wanted = await readSurroundings(source, ticket);
    await takeOver(this.#instance, this.client, wanted);
    this.surroundings = digestOf(wanted);
    await isOnDisk(this.#instance, this.client, signal);
    let shortest = Number.POSITIVE_INFINITY;
    for (let n = 0; n < probes; n++) shortest = Math.min(shortest, await this.#probe(source, signal));
    return shortest;
  }

  [Symbol.dispose](): void {
    this.client.disconnect();
    this.arrivals[Symbol.dispose]();
  }

  async #probe(source: Client, signal: AbortSignal): Promise<number> {
    const word = `probe ${randomBytes(8).toString('hex')}`;
    const began = performance.now();
    const heard = this.arrivals.of(word, { at: began + 30_000, signal });
    heard.catch(() => {});
    await ask(source, 'SPUBLISH', markerChannel, word);
    return (await heard) - began;
  }
}
