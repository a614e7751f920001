import { Agent, request } from 'undici';
import { seededRandom } from '../support/seeded-random.ts';
import { waitFor } from '../support/wait-for.ts';

export interface TallyingOptions {
  /** Requests a second, whether or not answers come. Default 60. */
  rate?: number;
  /** Of the orders in which stores are written, and of what is read. Default 1. */
  seed?: number;
  /** Each write goes into one store, in turns, and nothing is read. Default: into all of them, in any order. */
  oneStoreEach?: boolean;
  connections?: number;
}

/** Share of requests that look for an id that was acknowledged. */
const reads = 0.25;
const letters = 'pmrf';
const timeoutMs = 30_000;

/** Visitors of the tally with a ledger: each id says the order in which the app writes it into the four stores. */
export class Tallying {
  acknowledged: string[] = [];
  readonly failures: string[] = [];
  /** Acknowledged ids that a later request did not find once in every store. */
  readonly misread: string[] = [];
  readonly servedBy: Record<string, number> = {};
  requests = 0;
  longestWaitMs = 0;
  /** Without an answer to anybody, since `watch`. */
  longestGapMs = 0;
  #answeredAt = performance.now();
  #url: string;
  #sent = 0;
  readonly #random: () => number;
  readonly #prefix: string;
  readonly #oneStoreEach: boolean;
  readonly #agent: Agent;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #beat: NodeJS.Timeout;

  constructor(url: string, { rate = 60, seed = 1, oneStoreEach = false, connections = 32 }: TallyingOptions = {}) {
    this.#url = url;
    this.#oneStoreEach = oneStoreEach;
    this.#agent = new Agent({ connections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    this.#random = seededRandom(seed);
    this.#prefix = `v${seed}.${Date.now().toString(36)}`;
    const startedAt = performance.now();
    let due = 0;
    this.#beat = setInterval(() => {
      for (; startedAt + (due * 1000) / rate <= performance.now(); due++) this.#visit();
    }, 5);
  }

  /** From now on new requests go there (DNS has moved). */
  retarget(url: string): void {
    this.#url = url;
  }

  watch(): void {
    this.longestGapMs = 0;
    this.#answeredAt = performance.now();
  }

  /** Resolves when that many ids are acknowledged. */
  async reached(count: number): Promise<void> {
    await waitFor(() => this.acknowledged.length >= count, { timeout: 60_000, what: `${count} acknowledged requests` });
  }

  /** They are not asked for any more; resolves when nobody who was asked for one waits for the answer. */
  async forget(ids: readonly string[]): Promise<void> {
    const gone = new Set(ids);
    this.acknowledged = this.acknowledged.filter((id) => !gone.has(id));
    await this.settled();
  }

  /** No new requests; waits for those in flight. */
  async stop(): Promise<void> {
    clearInterval(this.#beat);
    await this.settled();
    if (!this.#agent.closed) await this.#agent.close();
  }

  /** When every request that is under way now has its answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #visit(): void {
    const known = !this.#oneStoreEach && this.#random() < reads ? this.#pick() : undefined;
    const visit = (known ? this.#read(known) : this.#write()).finally(() => this.#inFlight.delete(visit));
    this.#inFlight.add(visit);
  }

  async #write(): Promise<void> {
    const order = this.#oneStoreEach ? letters[this.#sent % letters.length] : this.#shuffled(letters);
    const id = `${this.#prefix}-${this.#sent++}-${order}`;
    if ((await this.#ask('POST', id, 201)) !== undefined) this.acknowledged.push(id);
  }

  async #read(id: string): Promise<void> {
    const body = await this.#ask('GET', id, 200);
    if (body !== undefined && body !== '{"p":1,"m":1,"r":1,"f":1}') this.misread.push(`${id}: ${body}`);
  }

  async #ask(method: 'GET' | 'POST', id: string, expected: number): Promise<string | undefined> {
    const options = { method, headers: { host: 'tally.localhost' }, dispatcher: this.#agent };
    const asked = performance.now();
    try {
      const { statusCode, headers, body } = await request(`${this.#url}/tally/${id}`, options);
      const text = await body.text();
      if (statusCode !== expected) throw new Error(`${statusCode} ${text}`);
      const region = String(headers['x-served-by']);
      this.servedBy[region] = (this.servedBy[region] ?? 0) + 1;
      return text;
    } catch (error) {
      this.failures.push(`${new Date().toISOString()} ${method} ${id}: ${(error as Error).message}`);
      return undefined;
    } finally {
      this.requests++;
      const now = performance.now();
      this.longestWaitMs = Math.max(this.longestWaitMs, now - asked);
      this.longestGapMs = Math.max(this.longestGapMs, now - this.#answeredAt);
      this.#answeredAt = now;
    }
  }

  /** Half of the time one of the newest: the last before a switch is the first that could be lost. */
  #pick(): string | undefined {
    const among = this.#random() < 0.5 ? Math.min(20, this.acknowledged.length) : this.acknowledged.length;
    return this.acknowledged.at(-1 - Math.floor(this.#random() * among));
  }

  #shuffled(letters: string): string {
    const left = [...letters];
    return [...letters].map(() => left.splice(Math.floor(this.#random() * left.length), 1)[0]).join('');
  }
}
