import type { Duplex } from 'node:stream';
import { StorkyError } from '../../protocol/errors.ts';
import type { LinkHello } from '../../protocol/link.ts';
import type { SourceHome } from '../home.ts';
import { answerJson, type LinkHandlers } from '../link/handlers.ts';
import { serveDatabase } from '../serve-database.ts';

type OfLoan = Extract<LinkHello, { kind: 'loan' | 'give-back' }>;
type LendingHome = Pick<SourceHome, 'loans' | 'changeLoans' | 'database'>;

/**
 * What apps of other regions use of this one's databases. A loan is a grant that outlives the migration which made it, as
 * narrow as can be: one addon, to one app of one region. It is in the app's document, and what passes by it is cut with it.
 */
export class Lending {
  readonly #home: LendingHome;
  readonly #region: string;
  readonly #streams = new Map<Duplex, OfLoan>();

  constructor(home: LendingHome, region: string) {
    this.#home = home;
    this.#region = region;
  }

  /** Idempotent. Durable when it returns. @throws StorkyError unknown_addon */
  async lend(
    { app, migration, store }: { app: string; migration: string; store: string },
    to: { region: string; app: string },
  ): Promise<void> {
    await this.#home.database(app, store);
    const isThis = (loan: { addon: string; migration: string }) => loan.addon === store && loan.migration === migration;
    this.#home.changeLoans(app, (loans) => [
      ...loans.filter((loan) => !isThis(loan)),
      { addon: store, migration, region: to.region, app: to.app },
    ]);
  }

  isLent(peer: string, { app, migration, store }: OfLoan): boolean {
    return this.#home
      .loans(app)
      .some((loan) => loan.region === peer && loan.migration === migration && loan.addon === store);
  }

  /** Of one migration, or of one addon of it. Idempotent. */
  end(app: string, migration: string, store?: string): void {
    const ends = (of: { migration: string; addon: string }) =>
      of.migration === migration && (store === undefined || of.addon === store);
    if (!this.#home.loans(app).some(ends)) return;
    this.#home.changeLoans(app, (loans) => loans.filter((loan) => !ends(loan)));
    for (const [stream, hello] of this.#streams)
      if (hello.app === app && ends({ ...hello, addon: hello.store })) stream.destroy(this.#refusal(hello));
  }

  handlers(): LinkHandlers {
    return {
      loan: async (hello, stream) => {
        const database = await this.#home.database(hello.app, hello.store);
        this.#streams.set(stream, hello);
        stream.once('close', () => this.#streams.delete(stream));
        await serveDatabase(stream, database);
      },
      'give-back': answerJson(async ({ app, migration, store }) => {
        this.end(app, migration, store);
        return {};
      }),
    };
  }

  #refusal = ({ store, app }: OfLoan) =>
    new StorkyError('not_granted', { peer: 'the other region', region: this.#region, what: `${store} of ${app}` });
}
