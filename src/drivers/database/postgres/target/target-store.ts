import type { Readable } from 'node:stream';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Stray } from '../../../../protocol/migration.ts';
import type { Deadline, FollowTicket, Lag, Report, SourceEndpoint, TargetStore, VerifyResult } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import type { Applier } from '../applier/applier.ts';
import { followByApplying } from '../applier/follow.ts';
import { assertNoneNew } from '../applier/new-tables.ts';
import { restoreDatabase } from '../backup.ts';
import { endBulkLoad } from '../server/bulk-load.ts';
import { readCopyTicket, readTicket, sourceAddress, type Ticket } from '../ticket.ts';
import { verifyDatabase } from '../verify/verify.ts';
import { SlotAdvance } from '../way-back/advance.ts';
import { type Address, adminOf, type Client, connect, disconnect, stateOf, withClient } from '../wire/connect.ts';
import { addTables, assertNoneAdded } from './add-tables.ts';
import { closeTarget, settleActive } from './close.ts';
import { copyDatabase } from './copy.ts';
import { followSource, lagOf } from './follow.ts';
import { assertHealthy } from './health.ts';
import { forgetPassword } from './pass-file.ts';
import { refuseIfOpened, standBy } from './standby.ts';
import { straysSince } from './strays.ts';
import { SwitchPath } from './switch-path.ts';

/** A round trip to the source, which a look at the stream's health does not need each time. */
const lookForTablesMs = 5_000;

export class PostgresTarget implements TargetStore {
  readonly #instance: DatabaseInstance;
  readonly #admin: Address;
  #following: { ticket: Ticket; from: SourceEndpoint } | undefined;
  /** To the source, through the tunnel; for the lag and the probes. */
  #source: Client | undefined;
  #path: SwitchPath | undefined;
  /** Where this server cannot follow by itself. */
  #applier: Applier | undefined;
  /** Since the last attempt to switch. */
  #rehearsed = false;
  #settling: Promise<void> | undefined;
  readonly #wayBack: SlotAdvance;
  /** When tables last joined the stream, milliseconds of the epoch. */
  #addedAt = 0;
  #adding: Promise<boolean> | undefined;
  /** For such tables; `performance.now()`. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
    this.#admin = adminOf(instance);
    this.#wayBack = new SlotAdvance(this.#admin);
  }

  async copy(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<{ bytes: number; items: number }> {
    await this.#refuseIfOpened();
    await this.#endApplying();
    return copyDatabase({ instance: this.#instance, ticket: readCopyTicket(ticket), from, report, signal });
  }

  async follow(_migration: string, ticket: FollowTicket, from: SourceEndpoint, signal: AbortSignal): Promise<void> {
    await this.#forgetSource();
    await this.#endApplying();
    this.#following = { ticket: readTicket(ticket), from };
    if (this.#instance.external)
      this.#applier = await followByApplying(this.#instance, this.#following.ticket, from, signal);
    else await followSource(this.#instance, this.#following.ticket, from, signal);
  }

  async lag(): Promise<Lag> {
    const { ticket } = this.#followed();
    this.#wayBack.occasionally();
    return lagOf(await this.#sourceClient(), ticket.slot);
  }

  async strays(since: number): Promise<Stray[]> {
    return straysSince(this.#instance, since);
  }

  async healthy(): Promise<void> {
    const { ticket } = this.#followed();
    if (this.#instance.external) return await this.#assertApplies();
    try {
      await assertHealthy(this.#instance, ticket, () => this.#sourceClient(), this.#addedAt);
    } catch (error) {
      // Until a new table is there, the stream stops at its first row, and goes on by itself when it is.
      if (!(await this.#tablesAdded())) throw error;
    }
    if (performance.now() - this.#lookedAt > lookForTablesMs) await this.#tablesAdded();
  }

  async verify(
    _migration: string,
    ticket: FollowTicket,
    from: SourceEndpoint,
    report: Report,
    signal: AbortSignal,
  ): Promise<VerifyResult> {
    return verifyDatabase(this.#instance, readTicket(ticket), from, report, signal);
  }

  async standby(): Promise<void> {
    await withClient(this.#admin, standBy);
  }

  async rehearse(migration: string, from: SourceEndpoint, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    if (this.#following && this.#following.from !== from) {
      this.#following = { ...this.#following, from };
      await this.#forgetSource();
    }
    if (!this.#path || !(await this.#path.usable())) {
      await disposed(this.#path);
      this.#path = await SwitchPath.open(this.#admin);
    }
    await this.#wayBack.now();
    if (this.#following) await this.#assertNoneNew(this.#following.ticket);
    const proven = await this.#path.prove(await this.#sourceClient(), migration, signal);
    this.#rehearsed = true;
    return proven;
  }

  async applied(migration: string, epoch: number, deadline: Deadline): Promise<{ detail: string }> {
    // Without a rehearsal, a marker of an earlier attempt could be taken for this one's.
    if (!this.#path || !this.#rehearsed)
      throw new StorkyError('not_in_sync', {
        store: 'The database',
        detail: 'the path of the marker was not rehearsed',
      });
    this.#rehearsed = false;
    const began = performance.now();
    const at = await this.#path.arrivals.of(migration, epoch, deadline);
    return { detail: `marker ${epoch} applied after ${Math.max(0, at - began).toFixed(1)} ms, sequences set` };
  }

  async activate(epoch: number): Promise<void> {
    this.#path ??= await SwitchPath.open(this.#admin);
    await this.#path.activate(epoch);
    // Not awaited: the app's writers need not wait for this. A failure is made good by close.
    this.#settling ??= this.#settle().catch(() => {});
  }

  async restore(dump: Readable, report: Report, signal: AbortSignal): Promise<void> {
    await this.#refuseIfOpened();
    await endBulkLoad(this.#instance);
    return restoreDatabase(this.#instance, dump, report, signal);
  }

  async close(migration: string): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#following = undefined;
    await endBulkLoad(this.#instance);
    await withClient(this.#admin, (client) => closeTarget(client, migration));
    forgetPassword(this.#instance, migration);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling;
    this.#settling = undefined;
    await this.#endApplying();
    await this.#wayBack[Symbol.asyncDispose]();
    await this.#forgetSource();
    await disposed(this.#path);
    this.#path = undefined;
  }

  async #settle(): Promise<void> {
    await this.#endApplying();
    await withClient(this.#admin, settleActive);
  }

  async #assertApplies(): Promise<void> {
    if (!this.#applier) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
    await this.#applier.healthy(() => this.#sourceClient());
    if (performance.now() - this.#lookedAt < lookForTablesMs) return;
    // A link that is cut is the applier's to tell.
    await this.#assertNoneNew(this.#followed().ticket).catch((error) => {
      if (error instanceof StorkyError) throw error;
    });
    this.#lookedAt = performance.now();
  }

  async #assertNoneNew(ticket: Ticket): Promise<void> {
    const source = await this.#sourceClient();
    if (this.#instance.external) await assertNoneNew(this.#admin, ticket, source);
    else await assertNoneAdded(this.#instance, ticket, source);
  }

  async #endApplying(): Promise<void> {
    const applier = this.#applier;
    this.#applier = undefined;
    await applier?.[Symbol.asyncDispose]();
  }

  /** Whether tables have joined the stream. Who asks meanwhile waits. */
  async #tablesAdded(): Promise<boolean> {
    const { ticket, from } = this.#followed();
    const source = await this.#sourceClient().catch(() => undefined);
    if (!source) return false;
    this.#lookedAt = performance.now();
    this.#adding ??= addTables(this.#instance, ticket, source, from).finally(() => (this.#adding = undefined));
    if (!(await this.#adding)) return false;
    this.#addedAt = Date.now();
    return true;
  }

  /** A killed attempt may have left no database at all. */
  async #refuseIfOpened(): Promise<void> {
    await withClient(this.#admin, refuseIfOpened).catch((error) => {
      if (stateOf(error) !== '3D000') throw error;
    });
  }

  #followed(): { ticket: Ticket; from: SourceEndpoint } {
    if (!this.#following) throw new StorkyError('not_in_sync', { store: 'The database', detail: 'it does not follow' });
    return this.#following;
  }

  async #sourceClient(): Promise<Client> {
    const { ticket, from } = this.#followed();
    if (
      this.#source &&
      (await this.#source.query('SELECT 1').then(
        () => true,
        () => false,
      ))
    )
      return this.#source;
    await this.#forgetSource();
    this.#source = await connect(sourceAddress(ticket, from), { name: 'storky target' });
    return this.#source;
  }

  async #forgetSource(): Promise<void> {
    const client = this.#source;
    this.#source = undefined;
    await disconnect(client);
  }
}

const disposed = async (path: SwitchPath | undefined) => path?.[Symbol.asyncDispose]();
