import { type Duplex, duplexPair } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';
import { endsIdle, endsReady, rollback, sync, TurnReader, welcome } from './messages.ts';

/**
 * Many client connections on PGlite's one session, inside this process: no port is opened, so nobody else on the machine
 * can reach the state. A connection holds the session from the first message of a transaction to its end.
 */
export class SharedSession {
  readonly #db: PGlite;
  #holder: object | undefined;
  readonly #waiting: { who: object; go: () => void }[] = [];

  constructor(db: PGlite) {
    this.#db = db;
  }

  /** A stream that speaks the PostgreSQL protocol, in the shape that pg wants of a socket. */
  connect(): Duplex {
    const [client, server] = duplexPair();
    this.#serve(server);
    return Object.assign(client, {
      connect: () => void setImmediate(() => client.emit('connect')),
      setNoDelay: () => client,
      setKeepAlive: () => client,
      ref: () => client,
      unref: () => client,
    });
  }

  #serve(stream: Duplex): void {
    const reader = new TurnReader();
    let last: Promise<void> = Promise.resolve();
    const inOrder = (work: () => Promise<void>) => {
      last = last.then(work).catch((error: unknown) => void stream.destroy(error as Error));
    };
    stream.on('data', (bytes: Buffer) => {
      for (const turn of reader.read(bytes)) {
        if (turn.kind === 'startup') stream.write(welcome);
        else if (turn.kind === 'terminate') inOrder(async () => void stream.end());
        else inOrder(() => this.#turn(stream, turn.bytes));
      }
    });
    stream.on('error', () => {});
    // A client that is destroyed is seen here as an end; closing our side brings the leave.
    stream.on('end', () => void stream.destroy());
    stream.on('close', () => inOrder(() => this.#leave(stream)));
  }

  async #turn(stream: Duplex, message: Uint8Array): Promise<void> {
    await this.#enter(stream);
    const answer = await this.#db.execProtocolRaw(message);
    if (endsIdle(answer)) this.#release();
    if (!stream.destroyed) stream.write(Buffer.from(answer));
  }

  /** A connection that goes away in the middle of a transaction takes it with it. */
  async #leave(stream: Duplex): Promise<void> {
    if (this.#holder !== stream) return;
    const answer = await this.#db.execProtocolRaw(sync);
    if (!endsReady(answer) || !endsIdle(answer)) await this.#db.execProtocolRaw(rollback);
    this.#release();
  }

  async #enter(who: object): Promise<void> {
    if (this.#holder === who) return;
    if (this.#holder) await new Promise<void>((go) => this.#waiting.push({ who, go }));
    else this.#holder = who;
  }

  #release(): void {
    const next = this.#waiting.shift();
    this.#holder = next?.who;
    next?.go();
  }
}
