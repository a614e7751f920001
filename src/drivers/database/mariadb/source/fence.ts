import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { carriedTables, oldestTransaction, sequencesOf } from '../catalog.ts';
import { AppAccounts } from '../external/app-accounts.ts';
import { readSequences, type SequenceState } from '../sequences.ts';
import { type Address, alive, type Client, connect, disconnect, errnoOf } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';

/** What the fence found when everything stood still; goes with the marker. */
export interface Standstill {
  /** [name as InnoDB has it, next automatic number]. */
  counters: [string, string][];
  sequences: SequenceState[];
}

/** A lock that somebody else has: look again so much later. Milliseconds. */
const lookAgainMs = 3;
const lockTaken = 1205;

/** The connections of a freeze, opened before it; what they hold ends when they do (invariant 5). */
export class Fence {
  /** Writes the marker: the only one whose writes are logged. */
  readonly marker: Client;
  readonly watch: Client;
  readonly #tables: Client;
  readonly #structure: Client;
  /** On a server that others use too: whom the seal shuts out. */
  readonly accounts: AppAccounts | undefined;
  #list = { statement: '', sequences: [] as { schema: string; name: string }[], ddl: '' };
  #found: Standstill | undefined;
  #held = false;
  #inTheWay = 'the deadline passed';

  private constructor([marker, watch, tables, structure]: Client[], accounts: AppAccounts | undefined) {
    this.accounts = accounts;
    this.marker = marker!;
    this.watch = watch!;
    this.#tables = tables!;
    this.#structure = structure!;
  }

  static async open(admin: Address): Promise<Fence> {
    // Nobody ever waits behind the fence's own waiting: a lock is taken at once or not at all.
    const patient = await Promise.all([connect(admin, { logged: true }), connect(admin)]);
    const settings = { lock_wait_timeout: patient[0].dialect.shortestLockWait };
    const hasty = await Promise.all([connect(admin, { settings }), connect(admin, { settings })]);
    const accounts = admin.share && (await AppAccounts.open(patient[1], admin));
    return new Fence([...patient, ...hasty], accounts);
  }

  async usable(): Promise<boolean> {
    return (await Promise.all([this.marker, this.watch, this.#tables, this.#structure].map(alive))).every(Boolean);
  }

  get found(): Standstill {
    if (!this.#found) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    return this.#found;
  }

  /** Lists what there is to lock, and opens it, before the freeze. Answers with the count of structure changes. */
  async warm(): Promise<string> {
    const { dialect } = this.watch;
    const ddl = await dialect.ddlCount(this.watch);
    const tables = await carriedTables(this.watch);
    const sequences = await sequencesOf(this.watch);
    const locks = tables.map(({ schema, name }) => `${qualified(schema, name)} READ`);
    this.#list = { statement: locks.length > 0 ? `LOCK TABLES ${locks.join(', ')}` : 'DO 0', sequences, ddl };
    await this.watch.query(dialect.counters);
    return ddl;
  }

  /**
   * Structure changes first, so that the list of tables is final; then every table, all or none, without waiting in line:
   * a lock that waited while it held others would make the server end a transaction of the app as a deadlock. Whoever
   * writes from then on waits, a superuser too. Throws `long_transaction` at the deadline (invariant 4); nothing is ended.
   */
  async raise(deadline: Deadline): Promise<void> {
    for (;;) {
      if (performance.now() >= deadline.at || deadline.signal.aborted) throw await this.#blocked();
      if (await this.#attempt()) return;
      await sleep(lookAgainMs);
    }
  }

  async #attempt(): Promise<boolean> {
    try {
      const { dialect } = this.watch;
      if (dialect.lockWaitsEndOthers && (await this.#somebodyWrites())) return false;
      this.#held = true;
      // It holds the structure of everything on the server, which may be somebody else's.
      if (!this.watch.share) await this.#structure.batch(...dialect.holdStructure);
      if ((await dialect.ddlCount(this.watch)) !== this.#list.ddl) await this.warm();
      const answers = await this.#tables.batch(this.#list.statement, dialect.counters);
      const counters = answers[1]!.map(({ name, next }) => [name!, next!]);
      this.#found = { counters, sequences: await this.#sequences() } as Standstill;
      return true;
    } catch (error) {
      await this.lower();
      // 1146: a table went in between; the next look lists what there is.
      if (![lockTaken, 1146].includes(errnoOf(error) ?? 0)) throw error;
      this.#inTheWay = (error as Error).message;
      if (errnoOf(error) === 1146) await this.warm();
      return false;
    }
  }

  /** Then the locks are not even asked for. */
  async #somebodyWrites(): Promise<boolean> {
    const oldest = await oldestTransaction(this.watch);
    if (oldest) this.#inTheWay = oldest.detail;
    return oldest !== undefined;
  }

  /** Tables stay as they are. Throws `schema_changed` afterwards, with `assertUnchanged`, if that let anybody in. */
  async freeStructure(): Promise<void> {
    await this.#structure.query(this.watch.dialect.releaseStructure);
  }

  /** Has anybody on the server changed a structure since it was counted? */
  async maybeChanged(): Promise<boolean> {
    return (await this.watch.dialect.ddlCount(this.watch)) !== this.#list.ddl;
  }

  async assertUnchanged(): Promise<void> {
    if (!(await this.maybeChanged())) return;
    throw new StorkyError('schema_changed', {
      store: 'The database',
      detail: 'its structure was changed while it was sealed',
    });
  }

  /**
   * No lock stops NEXTVAL and lets structure changes be stopped too. Numbers that somebody draws from now on cannot be
   * written anywhere here; that they are not drawn a second time over there, one whole cache of them is left out.
   */
  #sequences(): Promise<SequenceState[]> {
    return readSequences(this.watch, this.#list.sequences, 'a cache');
  }

  async #blocked(): Promise<StorkyError> {
    const oldest = await oldestTransaction(this.watch).catch(() => undefined);
    return new StorkyError('long_transaction', {
      store: 'The database',
      seconds: oldest?.seconds ?? 0,
      detail: oldest?.detail ?? this.#inTheWay,
    });
  }

  /** Ends the locks; whoever waited goes on as if nothing had been. Idempotent. */
  async lower(): Promise<void> {
    this.#found = undefined;
    if (!this.#held) return;
    await this.#tables.query('UNLOCK TABLES');
    if (this.watch.share) {
      this.#held = false;
      return;
    }
    const { releaseStructure, nothingHeld } = this.watch.dialect;
    await this.#structure.query(releaseStructure).catch((error) => {
      if (errnoOf(error) !== nothingHeld) throw error;
    });
    this.#held = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.accounts?.[Symbol.asyncDispose]();
    await Promise.all([this.#tables, this.#structure, this.marker, this.watch].map(disconnect));
  }
}
