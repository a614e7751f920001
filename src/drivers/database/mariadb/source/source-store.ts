import type { Readable } from 'node:stream';
import { log } from '../../../../base/log.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline, Finding, FollowTicket, Measure, SourceStore } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { backupServer } from '../backup.ts';
import { oldestTransaction } from '../catalog.ts';
import { type AppAccounts, unsealShare } from '../external/app-accounts.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { accountFor } from '../names.ts';
import { writeProof } from '../proof.ts';
import { expirySeconds, keepLog, keptSeconds } from '../server/keep-log.ts';
import { clearRole, roleOf, setRole } from '../server/role.ts';
import { type Address, adminOf, type Client, withClient } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { checkSource } from './check.ts';
import { closeSource } from './close.ts';
import { Fence } from './fence.ts';
import { acceptStructure, assertNothingPrepared, assertSameStructure, writeMarker } from './mark.ts';
import { measureSource } from './measure.ts';
import { openSource, openWayBack } from './open.ts';
import { retainedBy, tidyLog } from './retained.ts';
import { quieten, sessionsGone, shutOut, stopEvents, unseal } from './seal.ts';
import { sealServer } from './seal-server.ts';
import { takenPlaces } from './taken.ts';

/** A transaction that is older than this would probably outlive the freeze. */
const longSeconds = 5;

export class MariaDbSource implements SourceStore {
  readonly #instance: DatabaseInstance;
  readonly #admin: Address;
  #fence: Fence | undefined;
  #knownDdl: string | undefined;
  /** The stream that the fence was prepared for. */
  #prepared: string | undefined;
  #giveUp = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #settling: Promise<void> | undefined;

  constructor(instance: DatabaseInstance) {
    this.#instance = instance;
    this.#admin = adminOf(instance);
  }

  check(): Promise<Finding[]> {
    return this.#with((client) => checkSource(client, this.#instance));
  }

  measure(): Promise<Measure> {
    return this.#with(measureSource);
  }

  fingerprint(): Promise<string> {
    return this.#with(fingerprintOf);
  }

  open(migration: string): Promise<{ ticket: FollowTicket; fresh: boolean }> {
    return this.#with((client) => openSource(client, this.#admin, migration));
  }

  openWayBack(stream: string): Promise<FollowTicket> {
    return this.#with(async (client) => {
      // How long a container keeps its log is its owner's to say.
      if (!this.#instance.guest) {
        keepLog(this.#instance, true);
        await client.query('SET GLOBAL binlog_expire_logs_seconds = 0');
      }
      return openWayBack(client, this.#admin, stream);
    });
  }

  /** It is asked for now and then, and this is when the log is looked after. */
  retained(stream: string): Promise<number> {
    return this.#with(async (client) => {
      // Whose log it is, looks after it.
      if (!client.share && !this.#instance.guest) await tidyLog(client, this.#instance);
      return retainedBy(client, stream);
    });
  }

  async pulse(): Promise<void> {
    await this.#with((client) => client.query('SELECT 1'));
  }

  async ready(migration: string): Promise<void> {
    this.#prepared = migration;
    if (!this.#fence || !(await this.#fence.usable())) {
      await disposed(this.#fence);
      this.#fence = await Fence.open(this.#admin);
    }
    const { watch } = this.#fence;
    await assertFollowed(watch, this.#admin.share ? this.#admin.user : accountFor(migration));
    // Counted before the structure is looked at: a change in between is looked at again in the freeze.
    this.#knownDdl = await this.#fence.warm();
    await acceptStructure(watch, migration);
    await assertSameStructure(watch, migration);
    await assertNothingPrepared(watch);
    const oldest = await oldestTransaction(watch);
    if (oldest && oldest.seconds > longSeconds)
      throw new StorkyError('long_transaction', { store: 'The database', ...oldest });
  }

  async fence(deadline: Deadline): Promise<void> {
    const signal = AbortSignal.any([deadline.signal, this.#giveUp.signal]);
    await this.#inTheFreeze(this.#raise({ at: deadline.at, signal }));
  }

  async #raise(deadline: Deadline): Promise<void> {
    this.#fence ??= await Fence.open(this.#admin);
    await this.#fence.raise(deadline);
  }

  async mark(migration: string, epoch: number, deadline: Deadline): Promise<string> {
    if (!this.#fence) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    return writeProof(await this.#inTheFreeze(writeMarker(this.#fence, migration, epoch, deadline, this.#knownDdl)));
  }

  async seal(): Promise<void> {
    const fence = this.#fence;
    if (fence) return this.#inTheFreeze(this.#sealUnderFence(fence));
    await this.#with((client) => sealServer(client, this.#instance));
  }

  async #sealUnderFence(fence: Fence): Promise<void> {
    if (fence.accounts) return this.#sealShareUnderFence(fence, fence.accounts);
    const { structureHoldsAccounts } = fence.watch.dialect;
    if (structureHoldsAccounts) await fence.freeStructure();
    await shutOut(fence.watch, () => setRole(this.#instance, 'sealed'));
    if (structureHoldsAccounts) {
      await sessionsGone(fence.watch);
      await fence.assertUnchanged();
    }
    // Off the freeze's path: the locks stay until nobody is there, or can come, who might still write. No account that is
    // locked keeps its event from beginning, so the scheduler is stopped under the locks too.
    this.#settling = stopEvents(fence.watch)
      .then(() => sessionsGone(fence.watch))
      .then(() => fence.lower())
      .then(() => quieten(fence.watch))
      .catch((error: Error) => log.warn({ detail: error.message }, 'the fence stays up on the sealed database'));
  }

  /**
   * Nothing holds a new table where the server is somebody else's. So the app's sessions end first, and what they may have made
   * since the marker is looked for while everything still stands.
   */
  async #sealShareUnderFence(fence: Fence, accounts: AppAccounts): Promise<void> {
    await accounts.lock(() => setRole(this.#instance, 'sealed'));
    await accounts.gone();
    if (await fence.maybeChanged()) await assertSameStructure(fence.watch, this.#prepared!);
    this.#settling = fence
      .lower()
      .catch((error: Error) => log.warn({ detail: error.message }, 'the fence stays up on the sealed database'));
  }

  async unfence(): Promise<void> {
    // The switch may back out while a part of it is still under way here. What ends later would fence again, write a
    // marker after the fence (invariant 2), or seal for good: so all of it ends first.
    this.#giveUp.abort();
    await Promise.allSettled(this.#underWay);
    await this.#settling;
    this.#giveUp = new AbortController();
    const fence = this.#fence;
    this.#fence = undefined;
    await fence?.lower().catch(() => {});
    // A copy that waits for the switch has no seal; what keeps its writers out stays.
    if (roleOf(this.#instance) !== 'standby') await this.#with(this.#admin.share ? unsealShare : unseal);
    clearRole(this.#instance, 'sealed');
    await disposed(fence);
  }

  backup(): Promise<Readable> {
    return this.#with((client) => backupServer(this.#instance, client));
  }

  async close(migration: string): Promise<void> {
    // Another stream's attempt may be under way.
    if (this.#prepared === undefined || this.#prepared === migration) await this[Symbol.asyncDispose]();
    await this.#with(async (client) => {
      await closeSource(client, migration);
      if (expirySeconds(this.#instance) > 0 || (await takenPlaces(client)).size > 0) return;
      keepLog(this.#instance, false);
      await client.query(`SET GLOBAL binlog_expire_logs_seconds = ${keptSeconds}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling;
    await disposed(this.#fence);
    this.#fence = undefined;
  }

  #inTheFreeze<T>(part: Promise<T>): Promise<T> {
    const tracked = part.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  #with<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClient(this.#admin, use);
  }
}

async function assertFollowed(client: Client, reader: string): Promise<void> {
  const readers = `SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = ${literal(reader)} AND COMMAND LIKE 'Binlog Dump%'`;
  if ((await client.query(readers)).length === 0)
    throw new StorkyError('not_in_sync', { store: 'The database', detail: 'nobody reads its log' });
}

const disposed = async (fence: Fence | undefined) => fence?.[Symbol.asyncDispose]();
