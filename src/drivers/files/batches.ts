import type { Wanted } from './messages.ts';

const maxItems = 64;
const maxBytes = 1024 * 1024;
/** Batches that are asked for and not answered, over all streams: enough to hide the round trip. */
const maxUnanswered = 6;

/** What is still to be fetched, in batches; bounded, so that the walk waits for the fetching. */
export class Batches {
  #open: Wanted[] = [];
  #openBytes = 0;
  #ready: Wanted[][] = [];
  #unanswered = 0;
  #ended = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  /** Everything was asked for and answered. */
  get finished(): boolean {
    return this.#ended && this.#ready.length === 0 && this.#open.length === 0 && this.#unanswered === 0;
  }

  async add(wanted: Wanted, bytes: number): Promise<void> {
    this.#open.push(wanted);
    this.#openBytes += bytes;
    if (this.#open.length < maxItems && this.#openBytes < maxBytes) return;
    this.#close();
    while (this.#ready.length > maxUnanswered) await this.#change();
  }

  end(): void {
    this.#ended = true;
    this.#close();
  }

  /** The next batch; undefined when everything has been answered. */
  async take(): Promise<Wanted[] | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.finished) return undefined;
      if (this.#ready.length > 0 && this.#unanswered < maxUnanswered) break;
      await this.#change();
    }
    this.#unanswered++;
    return this.#ready.shift();
  }

  /** One batch was answered; `again` could not be applied and is asked for once more. */
  async done(again: Wanted[]): Promise<void> {
    if (again.length > 0) this.#ready.push(again);
    this.#unanswered--;
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  #close(): void {
    if (this.#open.length > 0) this.#ready.push(this.#open);
    this.#open = [];
    this.#openBytes = 0;
    this.#wake();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
