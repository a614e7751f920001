import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { oldestTransaction } from '../catalog.ts';
import { ownServer, storkySchema } from '../names.ts';
import { type Address, type Client, connect, disconnect, stateOf } from '../wire/connect.ts';
import { commitSeal, draftSeal, endSessions, sessionsGone, warmSeal } from './seal.ts';

/**
 * One attempt is shorter than the second after which PostgreSQL looks for deadlocks. A transaction of the app that holds
 * one table and waits for another, which the fence has, would otherwise be ended by the server: an error that the app sees.
 */
const attemptMs = 600;

/** From the seal to the end of the sessions: the rest of the freeze is shorter. */
const endAfterMs = 200;

/** Kept of the time, to ask who is in the way while the caller still waits for the answer. */
const sayMs = 100;

/**
 * Replica: event triggers of the app do not see the fence. Deadlock check at once: it makes autovacuum give way. Both are a
 * superuser's to set; without, the fence is as firm, and waits for what it meets.
 */
const unnoticed = `DO $$ BEGIN
    SET session_replication_role = replica; SET deadlock_timeout = '5ms';
  EXCEPTION WHEN insufficient_privilege THEN
    IF ${ownServer} THEN RAISE; END IF;
  END $$`;

/** What the fence found when everything stood still. */
export interface Standstill {
  /** One [schema, name, value, is called] for each sequence. */
  sequences: [string, string, string, boolean][];
  /** Counts DDL; null where it cannot be counted. */
  ddl: number | null;
  /** Are there any? */
  largeObjects: boolean;
}

/** The connections of a freeze, opened before it, and the transaction that holds the locks. */
export class Fence {
  readonly control: Client;
  readonly watch: Client;
  readonly #locks: Client;
  readonly #locksPid: number;
  readonly #watchPid: number;
  #found: Standstill | undefined;
  #inUse = false;
  /** Of the freeze, `performance.now()`. */
  #endsAt = 0;
  #drafting = false;
  #draft: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  private constructor([locks, control, watch]: [Client, Client, Client], [locksPid, watchPid]: [number, number]) {
    this.#locks = locks;
    this.#locksPid = locksPid;
    this.#watchPid = watchPid;
    this.control = control;
    this.watch = watch;
  }

  static async open(admin: Address): Promise<Fence> {
    const clients = await Promise.all([
      connect(admin, { name: 'storky fence' }),
      connect(admin, { name: 'storky control' }),
      connect(admin, { name: 'storky watch' }),
    ]);
    await clients[0].query(unnoticed);
    return new Fence(clients, [await pidOf(clients[0]), await pidOf(clients[2])]);
  }

  /** Is every connection still there? */
  async usable(): Promise<boolean> {
    const pings = [this.#locks, this.control, this.watch].map((client) => client.query('SELECT 1'));
    return (await Promise.allSettled(pings)).every((ping) => ping.status === 'fulfilled');
  }

  /** Does it hold locks, or ask for them? Nothing else may be done on its connections then. */
  get inUse(): boolean {
    return this.#inUse;
  }

  get found(): Standstill {
    if (!this.#found) throw new StorkyError('internal', { detail: 'the marker was asked for before the fence' });
    return this.#found;
  }

  /** Runs what the freeze will run, without lock or trace, so that every cache is warm. Answers with what is there now. */
  async warm(): Promise<Standstill> {
    const results = (await this.#locks.query(
      `BEGIN; SELECT ${storkySchema}.fence(true) AS found; ROLLBACK`,
    )) as unknown as { rows: { found: Standstill }[] }[];
    await this.control.query(
      `BEGIN; INSERT INTO ${storkySchema}.marker (migration, epoch, sequences) VALUES ('', -1, '[]'); ROLLBACK`,
    );
    await warmSeal(this.watch);
    return results[1]!.rows[0]!.found;
  }

  /** Takes every lock, or none. Throws `long_transaction` just before the deadline (invariant 4). */
  async raise(deadline: Deadline): Promise<void> {
    this.#inUse = true;
    this.#endsAt = deadline.at;
    const giveUpAt = deadline.at - Math.min(sayMs, (deadline.at - performance.now()) / 4);
    for (;;) {
      const left = Math.floor(giveUpAt - performance.now());
      if (left <= 0 || deadline.signal.aborted) throw await this.#blocked();
      if (await this.#attempt(Math.min(left, attemptMs), deadline.signal)) return;
      await sleep(20);
    }
  }

  async #attempt(ms: number, signal: AbortSignal): Promise<boolean> {
    const wake = setTimeout(() => void this.#cancelMaintenance(), 50);
    const stop = () => void this.watch.query('SELECT pg_cancel_backend($1)', [this.#locksPid]).catch(() => {});
    signal.addEventListener('abort', stop, { once: true });
    try {
      // LOCK TABLE and the timeout in one go: one round trip to the server.
      const results = (await this.#locks.query(
        `BEGIN; SET LOCAL statement_timeout = ${ms}; SELECT ${storkySchema}.fence(false) AS found; SET LOCAL statement_timeout = 0`,
      )) as unknown as { rows: { found: Standstill }[] }[];
      this.#found = results[2]!.rows[0]!.found;
      return true;
    } catch (error) {
      await this.#locks.query('ROLLBACK');
      // Timed out, lock not available, deadlock: somebody is in the way, and may be gone in a moment.
      if (!['57014', '55P03', '40P01'].includes(stateOf(error) ?? '')) throw error;
      return false;
    } finally {
      clearTimeout(wake);
      signal.removeEventListener('abort', stop);
    }
  }

  /** A vacuum against wraparound does not give way by itself; it starts again later. */
  async #cancelMaintenance(): Promise<void> {
    const inTheWay = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'autovacuum worker' AND pid = ANY (pg_blocking_pids($1))`;
    await this.watch.query(inTheWay, [this.#locksPid]).catch(() => {});
  }

  async #blocked(): Promise<StorkyError> {
    const oldest = await oldestTransaction(this.watch).catch(() => undefined);
    const seconds = Math.round(oldest?.seconds ?? 0);
    return new StorkyError('long_transaction', {
      store: 'The database',
      seconds,
      detail: oldest?.detail ?? 'the deadline passed',
    });
  }

  /** Begins the seal while the marker is on its way; without its commit it changes nothing. Once a fence. */
  draftSeal(): void {
    if (this.#draft) return;
    this.#drafting = true;
    this.#draft = draftSeal(this.watch, this.#endsAt - performance.now()).finally(() => {
      this.#drafting = false;
    });
    this.#draft.catch(() => {}); // said by `seal`
  }

  /** Ends the wait of a seal that is drafted, since whoever is in its way may stay. Resolves when it has ended. */
  async giveUpDraft(): Promise<void> {
    while (this.#drafting) {
      await this.control.query('SELECT pg_cancel_backend($1)', [this.#watchPid]).catch(() => {});
      await sleep(20);
    }
  }

  /**
   * Makes it durable. The sessions are ended a little later: many that end at once take the processors from the freeze. The
   * order is given to the session that holds the locks, so they stay until it is carried out, even if this process dies.
   */
  async seal(): Promise<void> {
    if (this.#ending) return; // it is
    this.draftSeal();
    await this.#draft;
    await commitSeal(this.watch);
    this.#ending = endSessions(this.#locks, endAfterMs);
    this.#ending.catch(() => {}); // said by `settle`
  }

  /** Ends the locks when the last session that might still write is gone. Rejects when the seal is taken back before. */
  async settle(): Promise<void> {
    await this.#ending;
    await sessionsGone(this.control);
    await this.lower();
  }

  /** Takes back a seal that is not durable, and the order to end sessions while it is not carried out. Idempotent. */
  async retract(): Promise<void> {
    await this.#draft?.catch(() => {});
    if (this.#ending) await this.watch.query('SELECT pg_cancel_backend($1)', [this.#locksPid]);
    else if (this.#draft) await this.watch.query('ROLLBACK');
    await this.#ending?.catch(() => {});
    this.#draft = this.#ending = undefined;
  }

  /** Ends the locks; whoever waited goes on as if nothing had been. Idempotent. */
  async lower(): Promise<void> {
    this.#found = undefined;
    await this.#locks.query('ROLLBACK');
    this.#inUse = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#locks, this.control, this.watch].map(disconnect));
  }
}

async function pidOf(client: Client): Promise<number> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
}
