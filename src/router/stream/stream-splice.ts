import type { Duplex } from 'node:stream';
import type { LongLived } from '../gate/machine.ts';

/** Nothing was said for so long: most protocols are then between a question and the next, milliseconds. */
const quietMs = 50;
/** For a connection that is never quiet, milliseconds. The freeze waits for it. */
const patienceMs = 1_000;
/** For an app that does not end after it was told that the client has nothing more to say, milliseconds. */
const serverGraceMs = 100;
/** For a client that does not close after it was told to come back, and after any other end, milliseconds. */
const toldGraceMs = 1_000;
const clientGraceMs = 60_000;

/** Two connections joined. `serverGone` is called once, when the app's side has ended. */
export class StreamSplice implements LongLived {
  readonly #client: Duplex;
  readonly #server: Duplex;
  readonly #serverGone: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #lastWord = performance.now();
  #told = false;
  #over = false;

  constructor(client: Duplex, server: Duplex, serverGone: () => void) {
    this.#client = client;
    this.#server = server;
    this.#serverGone = serverGone;
    pass(client, server, () => this.#heard());
    pass(server, client, () => this.#heard());
    client.on('close', () => this.#clientClosed());
    server.on('close', () => this.#end());
  }

  /**
   * Invariant 9, for a protocol that has no word for it: the connection ends at a quiet moment, and the client comes back
   * to wait at the gate. The app is told first, and what it still says goes through.
   */
  reconnect(): void {
    if (this.#told || this.#over) return;
    this.#told = true;
    this.#whenQuiet(performance.now() + patienceMs);
  }

  #whenQuiet(latest: number): void {
    const now = performance.now();
    const left = Math.min(this.#lastWord + quietMs, latest) - now;
    if (left > 0) return void this.#after(left, () => this.#whenQuiet(latest));
    this.#client.pause();
    this.#client.unpipe(this.#server);
    this.#server.end();
    this.#after(serverGraceMs, () => this.#end());
  }

  #heard(): void {
    this.#lastWord = performance.now();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.destroy();
    this.#client.end();
    this.#after(this.#told ? toldGraceMs : clientGraceMs, () => this.#client.destroy());
    this.#serverGone();
  }

  #clientClosed(): void {
    this.#end();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms).unref();
    this.#timers.add(timer);
  }
}

function pass(from: Duplex, to: Duplex, heard: () => void): void {
  from.on('error', () => to.destroy());
  from.on('data', heard);
  from.pipe(to);
}
