import type { Readable } from 'node:stream';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Stray } from '../../../../protocol/migration.ts';
import type { Deadline, FollowTicket, Lag, Report, SourceEndpoint, TargetStore, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { restoreServer } from '../backup.ts';
import { recall } from '../server/memory.ts';
import { slowestCopyFrom } from '../source/sizes.ts';
import type { Proof } from '../source/source-store.ts';
import { readSurroundings, takeOver } from '../surroundings.ts';
import { readTicket, sourceAddress, type Ticket } from '../ticket.ts';
import { verifyServer } from '../verify/verify.ts';
import { adminOf, type Client, connect, usable, withClient } from '../wire/connect.ts';
import { CopyBudget } from './copy-budget.ts';
import { assertMayFollow, assertStreams, contents, followSource } from './follow.ts';
import { LagWatch } from './lag.ts';
import { allowWrites, endFollowing, refuseWrites } from './standby.ts';
import { straysSince } from './strays.ts';
import { SwitchPath } from './switch-path.ts';

export class RedisTarget implements TargetStore {
  readonly #instance: DatabaseInstance;
  #following: { ticket: Ticket; from: SourceEndpoint } | undefined;
  /** To the source, through the tunnel; for lag and probes. */
  #source: Client | undefined;
  #path: SwitchPath | undefined;
  #lag = new LagWatch();
  #budget = new CopyBudget();

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
  }

  async copy(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<{ bytes: number; items: number }> {
    return await this.#with(async (client) => {
      await this.#follow(client, readTicket(ticket), from, report, signal);
      return await contents(client);
    });
  }

  async follow(_migration: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    await this.#with((client) => this.#follow(client, readTicket(ticket), from, () => {}, signal));
  }

  strays(since: number): Promise<Stray[]> {
    return this.#with((client) => straysSince(this.#instance, client, since));
  }

  async lag(): Promise<Lag> {
    const source = await this.#sourceClient();
    return await this.#with((client) => this.#lag.look(source, client));
  }

  async healthy(): Promise<void> {
    await this.#with(assertStreams);
    await this.#budget.look(await this.#sourceClient());
  }

  verify(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    return verifyServer(this.#instance, readTicket(ticket), from, report, signal);
  }

  standby(): Promise<void> {
    return this.#with((client) => refuseWrites(this.#instance, client));
  }

  async rehearse(_migration: string, from: SourceEndpoint, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    if (this.#following && this.#following.from !== from) {
      this.#following = { ...this.#following, from };
      this.#forgetSource();
    }
    if (!(await this.#path?.usable())) {
      this.#path?.[Symbol.dispose]();
      this.#path = await SwitchPath.open(this.#instance);
    }
    const source = await this.#sourceClient();
    return { roundTripMs: await this.#path!.prove(source, this.#following!.ticket, signal) };
  }

  async applied(
    _migration: string,
    epoch: number,
    deadline: Deadline,
    proof?: Promise<string | null>,
  ): Promise<{ detail: string }> {
    const path = this.#path;
    if (!path || !proof)
      throw new StorkyError('not_in_sync', {
        store: 'The database',
        detail: 'the way of the marker was not rehearsed',
      });
    const began = performance.now();
    const given = await until(deadline, proof);
    const { word, surroundings } = JSON.parse(given ?? '{}') as Partial<Proof>;
    if (!word) throw new StorkyError('internal', { detail: 'the source gave no proof of its marker' });
    const at = await path.arrivals.of(word, deadline);
    if (surroundings !== path.surroundings)
      throw new StorkyError('schema_changed', { store: 'The database', detail: 'its users or settings were changed' });
    return { detail: `marker ${epoch} applied after ${Math.max(0, at - began).toFixed(1)} ms` };
  }

  async activate(_epoch: number): Promise<void> {
    if (this.#path && (await this.#path.usable())) await allowWrites(this.#instance, this.#path.client);
    else await this.#with((client) => allowWrites(this.#instance, client));
  }

  restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
    return restoreServer(this.#instance, dump, report, signal);
  }

  async close(migration: string): Promise<void> {
    // An older stream may be tidied when another has begun.
    const { follows } = recall(this.#instance);
    if (follows !== null && follows !== migration) return;
    await this[Symbol.asyncDispose]();
    this.#following = undefined;
    await this.#with((client) => endFollowing(this.#instance, client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetSource();
    this.#path?.[Symbol.dispose]();
    this.#path = undefined;
  }

  async #follow(
    client: Client,
    ticket: Ticket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<void> {
    await assertMayFollow(this.#instance, client, ticket);
    this.#forgetSource();
    this.#following = { ticket, from };
    const source = await this.#sourceClient();
    // Before the data comes: it is never open to others than the source's users, nor kept by other rules.
    await takeOver(this.#instance, client, await readSurroundings(source, ticket));
    from.atLeast?.(await slowestCopyFrom(source));
    await followSource(this.#instance, client, ticket, from, report, signal);
    this.#lag = new LagWatch();
    this.#budget = await CopyBudget.from(source);
  }

  async #sourceClient(): Promise<Client> {
    if (!this.#following) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
    if (await usable(this.#source)) return this.#source!;
    this.#forgetSource();
    this.#source = await connect(sourceAddress(this.#following.ticket, this.#following.from), 'storky target');
    return this.#source;
  }

  #forgetSource(): void {
    this.#source?.disconnect();
    this.#source = undefined;
  }

  #with<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClient(adminOf(this.#instance), 'storky target', use);
  }
}

/** @throws StorkyError timeout */
async function until<T>({ at, signal }: Deadline, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const end = () =>
    late.reject(new StorkyError('timeout', { what: 'The marker', seconds: 'its budget of', where: 'the source' }));
  const timer = setTimeout(end, Math.max(0, at - performance.now()));
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
