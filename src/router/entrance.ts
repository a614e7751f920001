import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Gates, Route } from './gates.ts';
import { connectionOf } from './proxy/connection.ts';
import { Exchange } from './proxy/exchange.ts';
import { redirectOf } from './proxy/redirect.ts';
import { replies, sendRawReply, sendReply } from './proxy/reply.ts';
import { BadRequest, type RequestHead, readHead } from './proxy/request-head.ts';
import { Upgrade } from './proxy/upgrade.ts';
import { isStream, StreamPassage, streamHead } from './stream/stream-passage.ts';

/** What a proxy in front of an entry may ask, whatever the gate does: whether the router is there. */
const alivePath = '/.well-known/storky-gate';

/** Where every request comes in, whatever listener it came by: to its gate, or away. */
export class Entrance {
  readonly #gates: Gates;
  httpsPort: number | null = null;
  closing = false;

  constructor(gates: Gates) {
    this.#gates = gates;
  }

  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.closing) response.shouldKeepAlive = false;
    const head = readHead(request);
    if (head instanceof BadRequest) return void sendReply(response, head);
    if (head.connection.entry && head.path === alivePath) return void sendReply(response, replies.alive);
    const route = this.#find(head);
    if (!route) return void sendReply(response, replies.unknownHost);
    const { gate } = route;
    gate.requests++;
    const redirect = redirectOf(gate.config, head, this.httpsPort);
    if (redirect) return void sendReply(response, redirect);
    new Exchange(gate, head, route.preview && gate.letsPreviewsIn, request, response).enter();
  };

  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, first: Buffer): void => {
    socket.on('error', () => {});
    const head = readHead(request);
    if (head instanceof BadRequest) return void sendRawReply(socket, head);
    const route = this.#find(head);
    if (!route) return void sendRawReply(socket, replies.unknownHost);
    const { gate } = route;
    gate.requests++;
    if (isStream(head) && !gate.hasEntry(head.entry)) sendRawReply(socket, replies.unknownHost);
    else if (isStream(head)) new StreamPassage(gate, head, socket as Socket, first).enter();
    else new Upgrade(gate, head, route.preview && gate.letsPreviewsIn, socket, first).enter();
  };

  /** A connection to an entry that passes bytes as they are. */
  onStream(socket: Socket): void {
    const connection = connectionOf(socket);
    const gate = connection.entry && this.#gates.find(connection.entry.app);
    if (!gate) return void socket.destroy();
    gate.requests++;
    new StreamPassage(gate, streamHead(connection), socket).enter();
  }

  /** A peer's router names the app, which may have another name here; an entry is of one app; everybody else names the host. */
  #find(head: RequestHead): Route | undefined {
    const { peer, entry } = head.connection;
    if (!peer && !entry) return this.#gates.route(head.host);
    const app = entry ? entry.app : head.forwardApp;
    const gate = app === null ? undefined : this.#gates.find(app);
    return gate && { gate, preview: false };
  }
}
