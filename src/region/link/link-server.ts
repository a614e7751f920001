import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { LinkHello } from '../../protocol/link.ts';
import type { LinkHandler, LinkHandlers } from './handlers.ts';
import { LinkStream, type LinkTuning } from './link-stream.ts';
import { refuse } from './refusal.ts';

export const upgradeName = 'storky-link';

export interface LinkServerOptions {
  region: string;
  /** Throws `not_granted` unless a running migration grants it to this peer. Asked for every stream, before a byte passes. */
  authorise(peer: string, hello: LinkHello): void;
  handlers: LinkHandlers;
  tuning?: LinkTuning;
}

/** Answers the streams that other regions open. */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #streams = new Set<LinkStream>();

  constructor(options: LinkServerOptions) {
    this.#options = options;
  }

  /** An upgrade request of a peer whose certificate was verified. Never throws: a refusal is an answer. */
  accept(request: IncomingMessage, socket: TLSSocket, head: Buffer, peer: string): void {
    try {
      const hello = readHello(request);
      this.#options.authorise(peer, hello);
      const handler = this.#options.handlers[hello.kind] as LinkHandler | undefined;
      if (!handler)
        throw new StorkyError('unsupported', { what: `a ${hello.kind} stream`, detail: 'not here', hint: '' });
      if (head.length > 0) socket.unshift(head);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgradeName}\r\n\r\n`);
      void this.#serve(handler, hello, socket, peer);
    } catch (error) {
      refuse(socket, StorkyError.from(error));
    }
  }

  /** How many streams are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** Breaks every open stream off; peers open theirs again elsewhere or later. */
  close(): void {
    const { region } = this.#options;
    for (const stream of this.#streams) {
      stream.destroy(new StorkyError('link_lost', { region, peer: region, detail: 'the agent stops' }));
    }
  }

  async #serve(handler: LinkHandler, hello: LinkHello, socket: TLSSocket, peer: string): Promise<void> {
    const stream = new LinkStream(socket, { region: this.#options.region, peer, ...this.#options.tuning });
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    stream.on('error', (error) => log.debug({ peer, kind: hello.kind, error: error.message }, 'link stream broke'));
    try {
      await handler(hello, stream, peer);
      stream.end();
      stream.resume();
      await finished(stream).catch(() => {});
    } catch (error) {
      const reported = StorkyError.from(error);
      if (reported.code === 'internal') log.error({ peer, kind: hello.kind, err: error }, 'link stream failed');
      stream.destroy(reported);
    }
  }
}

function readHello(request: IncomingMessage): LinkHello {
  if (request.headers.upgrade !== upgradeName) {
    throw new StorkyError('bad_request', { field: 'Upgrade', detail: `only ${upgradeName} is spoken here` });
  }
  let json: unknown;
  try {
    json = JSON.parse(String(request.headers['storky-hello']));
  } catch {
    throw new StorkyError('bad_request', { field: 'storky-hello', detail: 'it is not JSON' });
  }
  const hello = LinkHello.safeParse(json);
  if (!hello.success)
    throw new StorkyError('bad_request', { field: 'storky-hello', detail: hello.error.issues[0]!.message });
  return hello.data;
}
