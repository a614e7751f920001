import type { FollowTicket, SourceEndpoint, WayBack } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { readTicket } from '../ticket.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { beginStream } from './begin.ts';
import { proveStream } from './prove.ts';

export class MariaDbWayBack implements WayBack {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  async prove(_stream: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    await withClient(adminOf(this.#instance), (here) =>
      proveStream(here, this.#instance, readTicket(ticket, this.#instance.engine), from, signal),
    );
  }

  async begin(
    _stream: string,
    ticket: FollowTicket,
    _from: SourceEndpoint,
    turn: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await withClient(adminOf(this.#instance), (here) =>
      beginStream(here, this.#instance, readTicket(ticket, this.#instance.engine), turn),
    );
  }
}
