import { StorkyError } from '../../../../protocol/errors.ts';
import { storkySchema } from '../names.ts';
import { unseal } from '../source/seal.ts';
import { type Address, type Client, connect, disconnect, stateOf } from '../wire/connect.ts';
import { Arrivals } from './arrivals.ts';
import { probe, roundTrip } from './probe.ts';

/** Everything that the target needs in the freeze, open and proven before it. */
export class SwitchPath {
  readonly arrivals: Arrivals;
  readonly #control: Client;

  private constructor(arrivals: Arrivals, control: Client) {
    this.arrivals = arrivals;
    this.#control = control;
  }

  static async open(admin: Address): Promise<SwitchPath> {
    const [arrivals, control] = await Promise.all([Arrivals.listen(admin), connect(admin, { name: 'storky control' })]);
    return new SwitchPath(arrivals, control);
  }

  async usable(): Promise<boolean> {
    return (
      (await this.arrivals.usable()) &&
      (await this.#control.query('SELECT 1').then(
        () => true,
        () => false,
      ))
    );
  }

  /**
   * Sends probes the whole way until one is quick: the first one after a subscription starts can take seconds. Then
   * forgets the markers of attempts that backed out, which by now have all arrived.
   */
  async prove(source: Client, migration: string, signal: AbortSignal): Promise<{ roundTripMs: number }> {
    const roundTripMs = await roundTrip(source);
    for (let n = 0; n < 5; n++) if ((await probe(source, this.arrivals, migration, signal)) < roundTripMs + 100) break;
    await this.arrivals.forget(migration);
    await this.#control.query({ ...open, values: [-1] }).catch(() => {});
    return { roundTripMs };
  }

  /** Opens the database to writers: one commit, which waits for the disk, and with it all that the stream applied before. */
  async activate(epoch: number): Promise<void> {
    try {
      for (const end = Date.now() + 30_000; ; ) {
        const { rows } = await this.#control.query({ ...open, values: [epoch] });
        if (rows[0].open) return;
        // Only after a crash of this database: what was applied but not yet on disk comes once more.
        if (Date.now() > end)
          throw new StorkyError('not_in_sync', {
            store: 'The database',
            detail: `the marker of epoch ${epoch} is not here`,
          });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch (error) {
      // Never was a standby: carried by backup, or created empty.
      if (!['42883', '3F000'].includes(stateOf(error) ?? '')) throw error;
      await unseal(this.#control);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.arrivals[Symbol.asyncDispose](), disconnect(this.#control)]);
  }
}

const open = { name: 'open', text: `SELECT ${storkySchema}.open_to_writers($1) AS open` };
