import { StorkyError } from '../../../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint, WayBack } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { recall, remember, wasLeft } from '../server/memory.ts';
import { refused } from '../server/server.ts';
import { readTicket, sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, withClient } from '../wire/connect.ts';
import { infoOf, positionOf } from '../wire/info.ts';
import { probeStream } from '../wire/probe-stream.ts';
import { assertReadable, followSource } from './follow.ts';

/**
 * The old master becomes a replica of the new one. It needs no turn: the new one keeps the name of the history that both
 * have shared, and where that one ended, so it knows what the old one lacks, and sends only this. Where it cannot know (it
 * was restarted, or was written to for longer than its backlog lasts) it sends everything: that is safe as well, since
 * nothing but the stream has written here since the switch.
 */
export class RedisWayBack implements WayBack {
  readonly #instance: DatabaseInstance;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  /** The very request that will be made after the switch, by a connection that is closed at the answer. */
  async prove(stream: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    const there = ofStream(ticket, stream);
    await withClient(adminOf(this.#instance), 'storky way back', (client) => assertReadable(client, there));
    const address = sourceAddress(there, from);
    const position = await withClient(address, 'storky way back', async (client) =>
      positionOf(await infoOf(client, 'replication')),
    );
    await probeStream(address, position, signal);
  }

  async begin(
    stream: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    _turn: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const there = ofStream(ticket, stream);
    if (!wasLeft(recall(this.#instance)))
      throw refused('no switch has left this database: nothing is copied over it', 'Switch first.');
    // Durable first: from here on this stream, and no other, may change what is here.
    remember(this.#instance, (memory) => {
      memory.follows = stream;
    });
    await withClient(adminOf(this.#instance), 'storky way back', async (client) => {
      await assertReadable(client, there);
      await followSource(this.#instance, client, there, from, () => {}, signal);
    });
  }
}

function ofStream(ticket: FollowTicket, stream: string): Ticket {
  const there = readTicket(ticket);
  if (there.migration !== stream) throw new StorkyError('internal', { detail: 'the ticket is of another stream' });
  return there;
}
