import type { FollowTicket, SourceEndpoint, WayBack } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { serverAt } from './server.ts';
import { sourceOf } from './target.ts';

/** Both sides are equal at the turn, so all that a way back needs is a position: the turn, and then how far it has come. */
export class MemoryWayBack implements WayBack {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  async prove(stream: string, ticket: FollowTicket): Promise<void> {
    sourceOf(stream, ticket);
  }

  async begin(stream: string, _ticket: FollowTicket, _from: SourceEndpoint, turn: string | null): Promise<void> {
    const { applied } = serverAt(this.#instance);
    if (!applied.has(stream)) applied.set(stream, Number(turn));
  }
}
