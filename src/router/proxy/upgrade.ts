import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Client } from 'undici';
import type { AppGate } from '../gate/app-gate.ts';
import { Passage } from './passage.ts';
import { type Reply, replies, sendRawReply } from './reply.ts';
import type { RequestHead } from './request-head.ts';
import { readResponseHead, textPairs } from './response-head.ts';
import { Splice } from './splice.ts';
import type { Handler, Upstream } from './upstream.ts';

/** A request to change the protocol of its connection: a WebSocket, most of the time. It waits at the gate like any other. */
export class Upgrade extends Passage implements Handler {
  readonly #socket: Duplex;
  #client: Client | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #answered = false;

  constructor(gate: AppGate, head: RequestHead, preview: boolean, socket: Duplex, first: Buffer) {
    super(gate, head, preview);
    this.#socket = socket;
    if (first.length > 0) socket.unshift(first);
    socket.on('error', () => {});
    socket.on('close', this.#onClose);
    // Without a reader nobody would notice that the client has left. What it sends stays in the buffer.
    socket.on('readable', noop);
    socket.on('end', this.#onEnd);
  }

  protected override send(upstream: Upstream): void {
    const client = upstream.single();
    this.#client = client;
    const { method, path, upgrade } = this.head;
    client.dispatch({ method, path, upgrade, headers: this.headers(), servername: upstream.servername } as never, this);
  }

  protected override refuse(reply: Reply): void {
    this.#answered = true;
    sendRawReply(this.#socket, reply);
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.gone) return void abort(new Error('the client left'));
    this.#abort = abort;
  }

  onUpgrade(_status: number, raw: Buffer[] | string[] | null, server: Duplex): void {
    if (this.gone) return void server.destroy();
    this.#answered = true;
    const lines = textPairs(raw ?? []).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`, 'latin1');
    this.#quiet();
    const { machine } = this.gate;
    const counted = this.mode === 'serve';
    const splice = new Splice(this.#socket, server, this.head.upgrade!.toLowerCase() === 'websocket', () => {
      if (counted) machine.left(splice);
      else this.over();
      this.gate.passing.delete(splice);
      this.#free();
    });
    if (!counted) return void this.gate.passing.add(splice);
    this.mode = 'none';
    machine.stays(splice);
  }

  /** The app declines: an ordinary response, after which the connection ends. */
  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) return true;
    this.#answered = true;
    const { headers } = readResponseHead(raw);
    let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n`;
    for (let n = 0; n < headers.length; n += 2) lines += `${headers[n]}: ${headers[n + 1]}\r\n`;
    this.#socket.write(`${lines}\r\n`, 'latin1');
    this.#socket.on('drain', resume);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.gone || this.#socket.write(chunk);
  }

  onComplete(): void {
    this.#socket.end();
    this.over();
    this.#free();
  }

  onError(error: Error): void {
    const sent = this.#abort !== undefined;
    this.#free();
    const invalid = (error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG';
    if (!sent && !invalid) return void this.unsent();
    if (this.gone || this.#answered) {
      this.over();
      return void this.#socket.destroy();
    }
    this.fail(invalid ? replies.badRequest : replies.broken);
  }

  readonly #onEnd = (): void => void this.#socket.destroy();

  readonly #onClose = (): void => {
    if (!this.abandon()) this.#abort?.(new Error('the client left'));
  };

  /** The splice reads from here on. */
  #quiet(): void {
    this.#socket.off('readable', noop);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
  }

  #free(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#abort = undefined;
    if (client) setImmediate(() => client.destroy().catch(noop));
  }
}

const noop = () => {};
