import type { ConnectionOptions } from 'node:tls';
import type { Dispatcher } from 'undici';
import { Client } from 'undici';

/** What undici calls while a request is under way; the variant with raw headers, which costs least. */
export type Handler = Required<
  Pick<Dispatcher.DispatchHandler, 'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError'>
>;

export interface UpstreamOptions {
  origin: string;
  /** Present: TLS with these. */
  tls?: ConnectionOptions;
  /** The name to ask for in the handshake, whatever the request's Host says. */
  servername?: string;
  connectTimeoutMs: number;
}

/** More would overrun the accept queue of a usual server when a long line is released at once. */
const maxConnections = 512;

/**
 * The connections to one server: a connection for each request in flight, kept for the next one. The last used is used
 * first, so that the others may idle out. Above the limit requests queue in order.
 */
export class Upstream {
  readonly origin: string;
  readonly servername: string | undefined;
  readonly #options: UpstreamOptions;
  readonly #idle: Client[] = [];
  readonly #all = new Set<Client>();
  readonly #queue: ((client: Client) => void)[] = [];
  #busy = 0;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.origin = options.origin;
    this.servername = options.servername;
    this.#options = options;
  }

  /** Calls back with a connection that is the caller's until `release` or `detach`. */
  acquire(use: (client: Client) => void): void {
    if (this.#busy >= maxConnections) {
      this.#queue.push(use);
      return;
    }
    this.#busy++;
    use(this.#idle.pop() ?? this.#open());
  }

  release(client: Client): void {
    if (!this.#all.has(client)) return;
    const next = this.#queue.shift();
    if (next) return void next(client);
    this.#busy--;
    if (this.#closed) this.#drop(client);
    else this.#idle.push(client);
  }

  /** The connection is used for long: it no longer counts, and is closed at its end. */
  detach(client: Client): void {
    if (!this.#all.delete(client)) return;
    const next = this.#queue.shift();
    if (next) return void next(this.#open());
    this.#busy--;
  }

  /**
   * Opens connections that are not needed yet, by a request that nobody but the other router's ingress sees. Resolves when
   * each is open or has failed.
   */
  async warm(count: number): Promise<void> {
    const missing = Math.max(0, count - this.#all.size);
    await Promise.all(Array.from({ length: missing }, () => this.#greet()));
  }

  /** A connection apart, for an upgrade; the caller destroys it. */
  single(): Client {
    return new Client(this.origin, this.#clientOptions());
  }

  /** What is in flight ends by itself. */
  close(): void {
    this.#closed = true;
    for (const client of this.#idle.splice(0)) this.#drop(client);
  }

  #greet(): Promise<void> {
    return new Promise((resolve) =>
      this.acquire((client) => {
        const done = () => {
          this.release(client);
          resolve();
        };
        const handler = { onConnect() {}, onHeaders: () => true, onData: () => true, onComplete: done, onError: done };
        client.dispatch({ method: 'GET', path: '/', servername: this.servername } as never, handler as never);
      }),
    );
  }

  #open(): Client {
    const client = this.single();
    this.#all.add(client);
    client.on('disconnect', () => this.#dropIfIdle(client));
    client.on('connectionError', () => this.#dropIfIdle(client));
    return client;
  }

  #dropIfIdle(client: Client): void {
    const at = this.#idle.indexOf(client);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#drop(client);
  }

  #drop(client: Client): void {
    this.#all.delete(client);
    client.destroy().catch(() => {});
  }

  #clientOptions(): Client.Options {
    const { tls, connectTimeoutMs } = this.#options;
    return {
      pipelining: 1,
      connect: { ...(tls as object), timeout: connectTimeoutMs },
      maxHeaderSize: 64 * 1024,
      headersTimeout: 300_000,
      // Event streams and slow downloads are silent for as long as they like.
      bodyTimeout: 0,
    };
  }
}
