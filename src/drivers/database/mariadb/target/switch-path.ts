import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { Deadline } from '../../../store.ts';
import { storkySchema } from '../names.ts';
import type { Proof } from '../proof.ts';
import type { Standstill } from '../source/fence.ts';
import { type Address, alive, type Client, connect, disconnect, errnoOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { setCounters } from './counters.ts';
import { probe, roundTrip } from './probe.ts';

/** Everything that the target needs in the freeze, open and proven before it. */
export class SwitchPath {
  /** Waits for positions; the server wakes it when the stream's commit has reached one. */
  readonly #waiting: Client;
  readonly #control: Client;

  private constructor(waiting: Client, control: Client) {
    this.#waiting = waiting;
    this.#control = control;
  }

  static async open(admin: Address): Promise<SwitchPath> {
    return new SwitchPath(...(await Promise.all([connect(admin), connect(admin)])));
  }

  async usable(): Promise<boolean> {
    return (await Promise.all([alive(this.#waiting), alive(this.#control)])).every(Boolean);
  }

  /** Sends probes the whole way until one is quick: the first one after the stream starts can take long. */
  async prove(source: Client, migration: string, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    const roundTripMs = await roundTrip(source);
    for (let n = 0; n < 5; n++) if ((await probe(source, this.#waiting, migration, signal)) < roundTripMs + 100) break;
    return { roundTripMs };
  }

  /**
   * Resolves when the stream's commit of the marker is done here, and with it everything before it in every domain
   * (invariant 3), and no counter is behind. Answers with the turn: where this server's own log is before the first write
   * of the app here (invariant 7). Throws `timeout` at the deadline.
   */
  async marked(proof: Proof, deadline: Deadline): Promise<string> {
    const seconds = (deadline.at - performance.now()) / 1000;
    if (seconds <= 0 || deadline.signal.aborted) throw late();
    const { dialect } = this.#waiting;
    const stop = () => void this.#control.query(`KILL QUERY ${this.#waiting.threadId}`).catch(() => {});
    deadline.signal.addEventListener('abort', stop, { once: true });
    // Where the server knows whole seconds only.
    const timer = setTimeout(stop, seconds * 1000 + 50);
    try {
      const answers = await this.#waiting.batch(
        `SELECT ${dialect.waitFor(proof.gtid, Number(seconds.toFixed(3)))} AS missed`,
        `SELECT payload FROM ${storkySchema}.marker WHERE id = ${literal(proof.marker)}`,
        `SELECT ${dialect.position} AS turn`,
      );
      const payload = answers[1]![0]?.payload;
      if (answers[0]![0]!.missed !== '0') throw late();
      if (!payload)
        throw new StorkyError('not_in_sync', { store: 'The database', detail: 'the position came without its marker' });
      await setCounters(this.#control, JSON.parse(payload) as Standstill);
      return answers[2]![0]!.turn!;
    } catch (error) {
      throw errnoOf(error) === 1317 ? late() : error;
    } finally {
      clearTimeout(timer);
      deadline.signal.removeEventListener('abort', stop);
    }
  }

  /** Opens the database to writers. The marker must be here, whatever happened since (invariant 3). */
  async activate(epoch: number, allowWrites: string): Promise<void> {
    // What came by a backup has no stream, and so no marker.
    const here = `SELECT 1 FROM ${storkySchema}.marker WHERE epoch = ${epoch}
      UNION ALL SELECT 1 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM ${storkySchema}.copy)`;
    for (const end = Date.now() + 30_000; (await this.#control.query(here)).length === 0; await sleep(20))
      if (Date.now() > end)
        throw new StorkyError('not_in_sync', {
          store: 'The database',
          detail: `the marker of epoch ${epoch} is not here`,
        });
    await this.#control.query(allowWrites);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([disconnect(this.#waiting), disconnect(this.#control)]);
  }
}

const late = () => new StorkyError('timeout', { what: 'The marker', seconds: 0, where: 'the target agent' });
