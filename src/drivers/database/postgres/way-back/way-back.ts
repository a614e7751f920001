import { StorkyError } from '../../../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint, WayBack } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { readTicket } from '../ticket.ts';
import { stateOf } from '../wire/connect.ts';
import { beginWayBack } from './begin.ts';
import { proveWayBack } from './prove.ts';

export class PostgresWayBack implements WayBack {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  async prove(_stream: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    await proveWayBack(this.#instance, readTicket(ticket), from, signal).catch((error) => {
      throw signal.aborted ? error : inWords(error);
    });
  }

  /** The turn is asked of the other side: what was true in the freeze may not be after a crash there. */
  async begin(
    _stream: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    _turn: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await beginWayBack(this.#instance, readTicket(ticket), from).catch((error) => {
      throw inWords(error);
    });
  }
}

/** A cut or a stopped server passes; what a server has to say against it does not. */
function inWords(error: unknown): StorkyError {
  if (error instanceof StorkyError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  const state = stateOf(error);
  if (!state || !/^[0-9A-Z]{5}$/.test(state) || /^(08|57|53|55)/.test(state))
    return new StorkyError('link_lost', { region: 'this side', peer: 'the other one', detail }, { cause: error });
  const hint = 'Mend the cause, then try again.';
  return new StorkyError('engine_refused', { engine: 'PostgreSQL', detail, hint }, { cause: error });
}
