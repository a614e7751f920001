import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from 'undici';
import type { AppGate } from '../gate/app-gate.ts';
import type { LongLived } from '../gate/machine.ts';
import { Passage } from './passage.ts';
import { type Reply, replies, sendReply } from './reply.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { readResponseHead, textPairs } from './response-head.ts';
import type { Handler, Upstream } from './upstream.ts';

/** When the client has left, its request is still with the app: for this long its end is waited for, milliseconds. */
const orphanMs = 30_000;
/** What a client may still send after its answer is complete, before its connection is closed, milliseconds. */
const lingerMs = 2_000;

/** Bytes of a body that are worth a copy to save a system call. */
const onePiece = 16 * 1024;

type Marked = ServerResponse & { exchange?: Exchange };

/** One ordinary request and its response, streamed both ways. It is the handler that undici calls. */
export class Exchange extends Passage implements Handler, LongLived {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #upstream: Upstream | undefined;
  #client: Client | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  #longLived = false;
  #ended = false;
  /** The head is written, but nothing has been handed to the socket in this turn of the loop. */
  #fresh = false;
  #first: Buffer | undefined;
  #orphan: NodeJS.Timeout | undefined;
  #sentAt = 0;

  constructor(gate: AppGate, head: RequestHead, preview: boolean, request: IncomingMessage, response: ServerResponse) {
    super(gate, head, preview);
    this.#request = request;
    this.#response = response;
    // Node takes this much of a body from the socket before it stops reading; the rest stays with the client.
    if (head.hasBody) this.waitingBytes = Math.min(head.contentLength ?? Infinity, request.readableHighWaterMark);
    (response as Marked).exchange = this;
    response.on('close', onClose);
  }

  protected override send(upstream: Upstream): void {
    this.#upstream = upstream;
    upstream.acquire((client) => {
      this.#client = client;
      const { method, path, hasBody } = this.head;
      const body = hasBody ? new RequestBody(this.#request) : null;
      client.dispatch({ method, path, body, headers: this.headers(), servername: upstream.servername } as never, this);
    });
  }

  protected override refuse(reply: Reply): void {
    this.#ended = true;
    sendReply(this.#response, reply);
    this.#discardRest();
  }

  /** Called when the request is about to be written: from here on the app may have seen it, and it is never sent again. */
  onConnect(abort: (error?: Error) => void): void {
    if (this.gone) return void abort(new Error('the client left'));
    this.#abort = abort;
    this.#sentAt = performance.now();
    if (this.head.hasBody && this.#request.headers.expect !== undefined) this.#response.writeContinue();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    if (status < 200) {
      if (status === 103 && !this.gone && this.#request.httpVersionMinor > 0) this.#earlyHints(raw);
      return true;
    }
    this.#resume = resume;
    if (this.mode === 'serve') this.gate.latency.record(performance.now() - this.#sentAt);
    const { headers, eventStream } = readResponseHead(raw);
    if (!this.gone) {
      if (this.mode === 'serve')
        this.gate.upstreamsOf(this.head.entry).stick(headers, this.#upstream!, this.head.cookie);
      this.#response.writeHead(status, statusText, headers);
      this.#fresh = true;
      process.nextTick(flush, this);
    }
    // After the head: a drain may end the stream at once, and without its type no client would come back.
    if (eventStream) this.#stay();
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.gone || this.#ended) return true;
    if (this.#fresh && this.#first === undefined) {
      this.#first = chunk;
      return true;
    }
    this.flush();
    if (this.#response.write(chunk)) return true;
    this.#response.once('drain', () => this.#resume!());
    return false;
  }

  onComplete(trailers: Buffer[] | string[] | null): void {
    this.#finish();
    if (this.gone || this.#ended) return;
    this.#ended = true;
    if (trailers && trailers.length > 0) this.#response.addTrailers(textPairs(trailers));
    this.#endResponse();
    this.#discardRest();
  }

  onError(error: Error): void {
    const sent = this.#abort !== undefined;
    this.#free();
    if (!sent && !isRefusal(error)) return void this.unsent();
    if (this.gone || this.#ended) return void this.#finish();
    this.#finish();
    this.#ended = true;
    if (isRefusal(error)) return void this.refuse(replies.badRequest);
    this.gate.failed++;
    if (this.#response.headersSent) this.#response.destroy();
    else
      this.refuse((error as NodeJS.ErrnoException).code === 'UND_ERR_HEADERS_TIMEOUT' ? replies.late : replies.broken);
  }

  /** Invariant 9: an event stream simply ends; its client comes back by itself, and waits at the gate. */
  reconnect(): void {
    if (!this.#ended) this.#endResponse();
    this.#ended = true;
    this.#abort?.(new Error('told to reconnect'));
  }

  /** The client closed its connection, or the response is complete. */
  closed(): void {
    if (this.#ended && this.mode === 'none') return;
    if (this.abandon()) return;
    this.#resume?.();
    if (this.#longLived) return void this.#abort?.(new Error('the client left'));
    this.#orphan = setTimeout(() => this.#abort?.(new Error('the client left')), orphanMs);
  }

  /** What has come so far goes out: headers without a body are not kept back until it comes. */
  flush(): void {
    if (!this.#fresh) return;
    this.#fresh = false;
    if (this.gone || this.#ended) return;
    if (this.#first === undefined) this.#response.flushHeaders();
    else this.#response.write(this.#first);
    this.#first = undefined;
  }

  /** Most responses come in one piece and leave in one: as text, since Node joins only text with the head. */
  #endResponse(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#response.end();
    else if (first.length > onePiece) this.#response.end(first);
    else this.#response.end(first.toString('latin1'), 'latin1');
  }

  #stay(): void {
    this.#longLived = true;
    this.#upstream!.detach(this.#client!);
    if (this.mode === 'serve') this.gate.machine.stays(this);
    else this.gate.passing.add(this);
    if (this.gone) this.#abort!(new Error('the client left'));
  }

  #finish(): void {
    clearTimeout(this.#orphan);
    this.#free();
    this.over();
  }

  protected override over(): void {
    if (this.#longLived) this.gate.passing.delete(this);
    if (!this.#longLived || this.mode !== 'serve') return void super.over();
    this.mode = 'none';
    this.gate.machine.left(this);
  }

  #free(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#abort = undefined;
    if (!client) return;
    // Not at once: undici may be in the middle of reading from it.
    if (this.#longLived) setImmediate(() => client.destroy().catch(() => {}));
    else this.#upstream!.release(client);
  }

  #earlyHints(raw: Buffer[]): void {
    const link = textPairs(raw)
      .filter(([name]) => name.toLowerCase() === 'link')
      .map(([, value]) => value);
    if (link.length > 0) this.#response.writeEarlyHints({ link });
  }

  /** The answer came before the request was complete: its rest is taken and thrown away, but not for ever. */
  #discardRest(): void {
    if (!this.head.hasBody || this.#request.complete) return;
    this.#request.resume();
    const timer = setTimeout(() => this.#request.socket?.destroy(), lingerMs);
    this.#request.once('close', () => clearTimeout(timer));
  }
}

function onClose(this: Marked): void {
  this.exchange!.closed();
}

function flush(exchange: Exchange): void {
  exchange.flush();
}

/** undici would not write this request at all. */
function isRefusal(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG';
}
