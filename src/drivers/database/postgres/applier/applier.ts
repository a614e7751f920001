import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { assertSlot } from '../source/slot.ts';
import { lost } from '../target/follow.ts';
import { type CopyTicket, readCopyTicket, sourceAddress, type Ticket } from '../ticket.ts';
import { adminOf, type Client, disconnect, stateOf, withClient } from '../wire/connect.ts';
import { Apply } from './apply.ts';
import { askForNewCopy, Differs } from './differs.ts';
import { LogStream } from './log-stream.ts';
import { appliedUpTo, openWriter } from './progress.ts';

const pausesMs = [100, 200, 500, 1_000, 2_000];
const silenceMs = 60_000;
/** What could not be applied comes again at once. */
const settledMs = 5_000;

/**
 * Follows the source into a database whose server cannot do so itself: one that Storky does not run, which reaches no agent
 * and lets its customers make no subscription. It lives as long as this process; how far it has come stands in the
 * database, so that the next one goes on from there.
 */
export class Applier {
  readonly #instance: DatabaseInstance;
  readonly #ticket: CopyTicket;
  readonly #from: SourceEndpoint;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #stream: LogStream | undefined;
  #failure: Error | undefined;

  constructor(instance: DatabaseInstance, ticket: Ticket, from: SourceEndpoint) {
    this.#instance = instance;
    this.#ticket = readCopyTicket(ticket);
    this.#from = from;
    const { encoding } = this.#ticket.surroundings.database;
    if (encoding === 'SQL_ASCII') throw refusedEncoding();
    this.#ended = this.#run();
  }

  /** Resolves when it streams. @throws StorkyError link_lost after 30 s without */
  async streams(signal: AbortSignal): Promise<void> {
    for (const end = performance.now() + 30_000; !this.#stream; await sleep(20, undefined, { signal })) {
      this.#assertApplies();
      if (performance.now() > end) throw lost(this.#failure?.message ?? 'the stream did not start');
    }
  }

  /** @throws StorkyError schema_changed where a change could not be applied, not_in_sync where the slot is lost, link_lost after 5 s without a stream */
  async healthy(source: () => Promise<Client>): Promise<void> {
    for (const end = performance.now() + 5_000; ; await sleep(100)) {
      this.#assertApplies();
      if (this.#stream && performance.now() - this.#stream.heardAt < silenceMs) return;
      if (performance.now() < end) continue;
      const client = await source().catch(() => undefined);
      if (client) await assertSlot(client, this.#ticket.slot);
      throw lost(this.#failure?.message ?? 'the stream is not connected');
    }
  }

  /** Resolves when nothing of it is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#stream?.close();
    await this.#ended;
  }

  /** What the server says of a change is not mended by waiting. */
  #assertApplies(): void {
    const state = stateOf(this.#failure);
    const says = state !== undefined && /^[0-9A-Z]{5}$/.test(state) && !/^(08|40|53|55|57)/.test(state);
    if (says || this.#failure instanceof Differs)
      throw new StorkyError('schema_changed', { store: 'The database', detail: this.#failure!.message });
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const began = performance.now();
      await this.#once().catch(async (error: Error) => {
        if (!this.#stop.signal.aborted) await this.#failed(error);
      });
      if (performance.now() - began > 10_000) n = 0;
      const pause = pausesMs[Math.min(n, pausesMs.length - 1)];
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  async #once(): Promise<void> {
    const began = performance.now();
    const { migration } = this.#ticket;
    const writer = await openWriter(adminOf(this.#instance), this.#ticket);
    try {
      const upTo = await appliedUpTo(writer, migration);
      const stream = await LogStream.open(this.#ticket, this.#from, upTo);
      writer.once('end', () => void stream.close());
      try {
        if (this.#stop.signal.aborted) return;
        this.#stream = stream;
        const apply = new Apply(writer, stream, migration, upTo);
        while (!this.#stop.signal.aborted) {
          await apply.take(await stream.next());
          if (apply.upTo > upTo || performance.now() - began > settledMs) this.#failure = undefined;
        }
      } finally {
        this.#stream = undefined;
        await stream.close();
      }
    } finally {
      await disconnect(writer);
    }
  }

  async #failed(error: Error): Promise<void> {
    if (error instanceof Differs) {
      const source = sourceAddress(this.#ticket, this.#from);
      await withClient(source, (client) => askForNewCopy(client, this.#ticket)).catch(() => {});
    }
    this.#failure = error;
    log.warn({ detail: error.message }, 'what the stream brings could not be applied; it is tried again');
  }
}

const refusedEncoding = () =>
  new StorkyError('engine_refused', {
    engine: 'PostgreSQL',
    detail: 'text whose encoding nobody knows (SQL_ASCII) is not followed into a database that Storky does not run',
    hint: 'Use the carrier `backup` for this addon.',
  });
