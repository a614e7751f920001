import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'undici';
import type { AppGate } from '../gate/app-gate.ts';
import type { Connection } from '../proxy/connection.ts';
import { Passage } from '../proxy/passage.ts';
import { type Reply, sendRawReply } from '../proxy/reply.ts';
import type { RequestHead } from '../proxy/request-head.ts';
import type { Handler, Upstream } from '../proxy/upstream.ts';
import { StreamSplice } from './stream-splice.ts';

/** What a router asks of a peer's for a connection whose bytes it does not understand. */
const streamProtocol = 'storky-stream';
const connectTimeoutMs = 2_000;

export const isStream = ({ connection, upgrade, entry }: RequestHead): boolean =>
  connection.peer !== null && entry !== null && upgrade === streamProtocol;

/** A connection has no head: this is the one that a peer's router gets for it. */
export function streamHead(connection: Connection): RequestHead {
  return {
    method: 'GET',
    path: '/',
    host: '',
    headers: ['Host', 'storky'],
    hasBody: false,
    contentLength: null,
    connection,
    forwardApp: null,
    forwardedBy: null,
    forwardEpoch: 0,
    entry: connection.entry!.name,
    hops: 0,
    upgrade: streamProtocol,
    cookie: null,
  };
}

/**
 * A plain connection's way through a gate. While the gate holds it waits, accepted but joined to nobody; the client's first
 * bytes stay in the kernel. From a peer's router it comes as an upgrade, answered when the app has taken it.
 */
export class StreamPassage extends Passage implements Handler {
  readonly #socket: Socket;
  readonly #upgraded: boolean;
  #client: Client | undefined;
  #server: Socket | undefined;
  #abort: ((error?: Error) => void) | undefined;

  constructor(gate: AppGate, head: RequestHead, socket: Socket, first: Buffer = Buffer.alloc(0)) {
    super(gate, head, false);
    this.#socket = socket;
    this.#upgraded = head.connection.peer !== null;
    if (first.length > 0) socket.unshift(first);
    socket.on('error', noop);
    socket.on('close', this.#onClose);
    // Without a reader nobody would notice that the client has left. What it sends stays in the buffer. Its end alone does
    // not tell: it may have said all that it has to say, and wait for the answer.
    socket.on('readable', noop);
  }

  protected override send(upstream: Upstream): void {
    if (this.mode === 'forward') this.#sendOn(upstream);
    else this.#connect(new URL(upstream.origin));
  }

  protected override refuse(reply: Reply): void {
    if (this.#upgraded) sendRawReply(this.#socket, reply);
    else this.#socket.destroy();
  }

  #connect({ hostname, port }: URL): void {
    const server = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), allowHalfOpen: true });
    this.#server = server;
    server.setNoDelay(true);
    server.setTimeout(connectTimeoutMs, () => server.destroy(new Error('no answer')));
    server.once('error', () => {
      this.#server = undefined;
      this.unsent();
    });
    server.once('connect', () => {
      server.setTimeout(0);
      server.removeAllListeners('error');
      this.#join(server);
    });
  }

  #sendOn(upstream: Upstream): void {
    const client = upstream.single();
    this.#client = client;
    const request = { method: 'GET', path: '/', upgrade: streamProtocol, headers: this.headers() };
    client.dispatch({ ...request, servername: upstream.servername } as never, this);
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.gone) abort(new Error('the client left'));
    else this.#abort = abort;
  }

  onUpgrade(_status: number, _raw: unknown, server: Duplex): void {
    this.#join(server);
  }

  /** The peer's router does not let it in: it has no such app or entry, or its line is full. */
  onHeaders(): boolean {
    return true;
  }

  onData(): boolean {
    return true;
  }

  onComplete(): void {
    this.gate.failed++;
    this.over();
    this.#socket.destroy();
    this.#free();
  }

  /** Nothing of the client's has left this router before the peer's has answered, so it can always be tried again. */
  onError(): void {
    this.#free();
    this.unsent();
  }

  #join(server: Duplex): void {
    if (this.gone) {
      server.on('error', noop).destroy();
      return void this.over();
    }
    this.#socket.off('readable', noop);
    this.#socket.off('close', this.#onClose);
    if (this.#upgraded)
      this.#socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamProtocol}\r\n\r\n`,
      );
    const { machine, passing } = this.gate;
    const counted = this.mode === 'serve';
    const splice = new StreamSplice(this.#socket, server, () => {
      if (counted) machine.left(splice);
      else this.over();
      passing.delete(splice);
      this.#free();
    });
    if (!counted) return void passing.add(splice);
    this.mode = 'none';
    machine.stays(splice);
  }

  readonly #onClose = (): void => {
    if (this.abandon()) return;
    this.#server?.destroy();
    if (this.#server) this.over();
    this.#abort?.(new Error('the client left'));
  };

  #free(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#abort = undefined;
    if (client) setImmediate(() => client.destroy().catch(noop));
  }
}

const noop = () => {};
