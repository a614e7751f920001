import { type Client, disconnect } from '../wire/connect.ts';

/**
 * Keeps the session that exported the snapshot. It holds back the cleaning of dead rows on the source, so it is let go as
 * soon as the copy is complete; the slot goes on without it.
 */
export class SnapshotHolder {
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;

  get client(): Client | undefined {
    return this.#client;
  }

  /** Looks every ten seconds whether the copy is complete; nobody waits for it. */
  hold(client: Client | undefined, complete: () => Promise<boolean>): void {
    if (client === this.#client) return;
    this.#client = client;
    client?.once('end', () => this.#forget(client));
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      void complete().then(
        (done) => (done ? this.release() : undefined),
        () => {},
      );
    }, 10_000).unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await disconnect(client);
  }

  #forget(client: Client): void {
    if (this.#client === client) this.#client = undefined;
  }
}
