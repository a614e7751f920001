import type { Readable } from 'node:stream';
import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline, Finding, FollowTicket, Measure, SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { backupDatabase } from '../backup.ts';
import { oldestTransaction } from '../catalog.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { namesFor, storkySchema } from '../names.ts';
import { openWayBack } from '../way-back/open.ts';
import { type Address, adminOf, type Client, stateOf, withClient } from '../wire/connect.ts';
import { addTables } from './add-tables.ts';
import { checkSource } from './check.ts';
import { closeSource } from './close.ts';
import { Fence } from './fence.ts';
import { assertNoLargeObjects, assertSameStructure, writeMarker } from './mark.ts';
import { measureSource } from './measure.ts';
import { copied, openSource } from './open.ts';
import { seal, sessionsGone, unseal } from './seal.ts';
import { retainedBy } from './slot.ts';
import { SnapshotHolder } from './snapshot.ts';

/** A transaction that is older than this would probably outlive the freeze. */
const longSeconds = 5;

export class PostgresSource implements SourceStore {
  readonly #instance: DatabaseInstance;
  readonly #admin: Address;
  readonly #snapshot = new SnapshotHolder();
  #fence: Fence | undefined;
  #knownDdl: number | null | undefined;
  #giveUp = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #settling: Promise<void> | undefined;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
    this.#admin = adminOf(instance);
  }

  check(): Promise<Finding[]> {
    return this.#with((client) => checkSource(client, this.#instance));
  }

  measure(): Promise<Measure> {
    return this.#with((client) => measureSource(client));
  }

  fingerprint(): Promise<string> {
    return this.#with(fingerprintOf);
  }

  async open(migration: string): Promise<{ ticket: FollowTicket; fresh: boolean }> {
    return this.#with(async (client) => {
      const { ticket, fresh, snapshot } = await openSource(this.#admin, client, migration, this.#snapshot.client);
      this.#snapshot.hold(snapshot, () => this.#with((later) => copied(later, ticket)));
      return { ticket, fresh };
    });
  }

  openWayBack(stream: string): Promise<FollowTicket> {
    return this.#with((client) => openWayBack(client, stream));
  }

  retained(stream: string): Promise<number> {
    return this.#with((client) => retainedBy(client, namesFor(stream).slotPrefix));
  }

  async pulse(): Promise<void> {
    await this.#with((client) => client.query('SELECT 1'));
  }

  async ready(migration: string): Promise<void> {
    // What it warms ends with a ROLLBACK: of the locks, and of the seal that is drafted.
    if (this.#fence?.inUse)
      throw new StorkyError('not_in_sync', { store: 'The database', detail: 'a switch has its fence' });
    if (!this.#fence || !(await this.#fence.usable())) {
      await disconnectFence(this.#fence);
      this.#fence = await Fence.open(this.#admin);
    }
    const { watch } = this.#fence;
    // Counted before the structure is looked at: DDL in between is looked at again in the freeze.
    const found = await this.#fence.warm();
    this.#knownDdl = found.ddl;
    if (await addTables(watch, migration))
      throw new StorkyError('not_in_sync', { store: 'The database', detail: 'tables that are new are brought first' });
    // First of all, since a change that could not be applied may have ended the stream as well.
    await assertSameStructure(watch, migration);
    assertNoLargeObjects(found);
    const slot = await watch.query(
      `SELECT s.active FROM ${storkySchema}.ticket t JOIN pg_replication_slots s ON s.slot_name = t.ticket ->> 'slot' WHERE t.migration = $1`,
      [migration],
    );
    if (!slot.rows[0]?.active)
      throw new StorkyError('not_in_sync', { store: 'The database', detail: 'nobody reads from its slot' });
    const oldest = await oldestTransaction(watch);
    if (oldest && oldest.seconds > longSeconds)
      throw new StorkyError('long_transaction', {
        store: 'The database',
        seconds: Math.round(oldest.seconds),
        detail: oldest.detail,
      });
  }

  async fence(deadline: Deadline): Promise<void> {
    this.#fence ??= await Fence.open(this.#admin);
    const signal = AbortSignal.any([deadline.signal, this.#giveUp.signal]);
    await this.#inTheFreeze(this.#fence.raise({ at: deadline.at, signal }));
  }

  async mark(migration: string, epoch: number, deadline: Deadline): Promise<void> {
    if (!this.#fence) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    await this.#inTheFreeze(writeMarker(this.#fence, migration, epoch, deadline, this.#knownDdl));
  }

  async seal(): Promise<void> {
    const fence = this.#fence;
    if (!fence)
      return this.#with(async (client) => {
        await seal(client);
        await sessionsGone(client);
      });
    await this.#inTheFreeze(this.#sealUnderFence(fence));
  }

  async #sealUnderFence(fence: Fence): Promise<void> {
    await fence.seal();
    // Off the freeze's path: the locks stay until the last session that might still write is gone.
    this.#settling = fence.settle().catch((error: Error) => {
      if (stateOf(error) !== '57014') log.warn({ detail: error.message }, 'the fence stays up on the sealed database');
    });
  }

  async unfence(): Promise<void> {
    // The switch may back out while a part of it is still under way here. What ends later would fence again, write a
    // marker after the fence (invariant 2), or seal for good: so all of it ends first.
    this.#giveUp.abort();
    await this.#fence?.giveUpDraft();
    await Promise.allSettled(this.#underWay);
    const fence = this.#fence;
    this.#fence = undefined;
    await fence?.retract().catch(() => {});
    await this.#settling;
    this.#giveUp = new AbortController();
    await fence?.lower().catch(() => {});
    await this.#with(unseal);
    await disconnectFence(fence);
  }

  backup(): Promise<Readable> {
    return this.#with((client) => backupDatabase(this.#instance, client));
  }

  async close(migration: string): Promise<void> {
    await this.#snapshot.release();
    await this.#settling;
    await disconnectFence(this.#fence);
    this.#fence = undefined;
    await this.#with((client) => closeSource(client, migration));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling;
    await this.#snapshot.release();
    await disconnectFence(this.#fence);
    this.#fence = undefined;
  }

  #inTheFreeze(part: Promise<void>): Promise<void> {
    const tracked = part.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  #with<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClient(this.#admin, use, { name: 'storky source' });
  }
}

const disconnectFence = async (fence: Fence | undefined) => fence?.[Symbol.asyncDispose]();
