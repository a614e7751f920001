import { setTimeout as sleep } from 'node:timers/promises';
import type { Items } from './subject.ts';

/** Writers with a ledger: what was acknowledged to them has to be where the app is served, whatever happened. */
export class Writers {
  readonly acknowledged = new Map<number, string>();
  readonly failures: Error[] = [];
  readonly #running: Promise<void>[];
  #stopped = false;

  /** Each with its own ids, from `first` on. */
  constructor(connections: Items[], first: number) {
    this.#running = connections.map((items, n) => this.#write(items, first + n, connections.length));
  }

  /** Resolves when so many writes were acknowledged. */
  async reached(count: number): Promise<void> {
    while (this.acknowledged.size < count && this.failures.length === 0) await sleep(2);
  }

  /** At most one write of each is under way when it resolves, and it ends whenever the database lets it. */
  stop(): void {
    this.#stopped = true;
  }

  async ended(): Promise<void> {
    this.stop();
    await Promise.all(this.#running);
  }

  async #write(items: Items, first: number, step: number): Promise<void> {
    for (let id = first; !this.#stopped; id += step) {
      try {
        await items.write(id, `value ${id}`);
        this.acknowledged.set(id, `value ${id}`);
      } catch (error) {
        this.failures.push(error as Error);
        return;
      }
      await sleep(1);
    }
  }
}

/** Is it still under way after a moment? */
export const waits = (promise: Promise<unknown>, ms = 150): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => false,
      () => false,
    ),
    sleep(ms, true),
  ]);
