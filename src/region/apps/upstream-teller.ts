import { log } from '../../base/log.ts';

/** Tells the router which web processes there are now. The newest list wins; a router that is away is told when it is back. */
export class UpstreamTeller {
  readonly #tell: (upstreams: string[]) => Promise<unknown>;
  readonly #app: string;
  #wanted: string[] | undefined;
  #telling: Promise<void> | undefined;
  #closed = false;

  constructor(app: string, tell: (upstreams: string[]) => Promise<unknown>) {
    this.#app = app;
    this.#tell = tell;
  }

  /** Resolves when the router knows this list or a newer one. */
  tell(upstreams: string[]): Promise<void> {
    this.#wanted = upstreams;
    this.#telling ??= this.#work().finally(() => {
      this.#telling = undefined;
    });
    return this.#telling;
  }

  close(): void {
    this.#closed = true;
  }

  async #work(): Promise<void> {
    for (let failures = 0; this.#wanted !== undefined && !this.#closed; ) {
      const upstreams = this.#wanted;
      this.#wanted = undefined;
      try {
        await this.#tell(upstreams);
        failures = 0;
      } catch (error) {
        this.#wanted ??= upstreams;
        if (failures++ === 0)
          log.warn({ app: this.#app, error: String(error) }, 'the router was not told of its upstreams');
        await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** failures, 2000)));
      }
    }
  }
}
