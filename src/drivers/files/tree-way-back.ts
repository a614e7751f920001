import { StorkyError } from '../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint, WayBack } from '../store.ts';
import { recordFollows, refused } from './role.ts';
import type { TreeOptions } from './tree.ts';
import { Wire } from './wire.ts';

/**
 * The tree that a switch left becomes the copy of the one that serves. It needs no turn: the first comparison finds what
 * differs, and what is equal is proven by hashes and not sent. Until `begin` nothing but the app writes here.
 */
export class TreeWayBack implements WayBack {
  readonly #options: TreeOptions;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** Opens a stream as following does, and is told which ticket it is for. */
  async prove(stream: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    const wire = new Wire(await from.openStream(signal));
    const stop = () => wire.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await wire.send({ t: 'hello', want: 'proof', version: 1 });
      const { value: answer } = await wire.read().next();
      if (answer?.t !== 'known') throw unreachable(`it does not answer for stream ${stream}`);
      if (answer.id !== ticket.id) throw refused('the other side knows this stream by another ticket');
    } catch (error) {
      throw error instanceof StorkyError ? error : unreachable((error as Error).message);
    } finally {
      signal.removeEventListener('abort', stop);
      wire.close();
    }
  }

  /** Durable: from here on this stream, and no other, may write to the tree. */
  async begin(stream: string): Promise<void> {
    recordFollows(this.#options, stream);
  }
}

const unreachable = (detail: string) =>
  new StorkyError('link_lost', { region: 'this side', peer: 'the other side', detail });
