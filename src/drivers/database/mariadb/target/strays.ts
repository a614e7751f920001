import type { Stray } from '../../../../protocol/migration.ts';
import type { Client } from '../wire/connect.ts';

/**
 * Who is refused because an account is locked, the server tells nobody, neither in its log nor in a view: it only counts
 * connections that came to nothing. So this says how many, from the first look on, and not who.
 */
export class StrayCount {
  #before: number | undefined;
  #stray: Stray | undefined;

  async look(client: Client): Promise<Stray[]> {
    const now = Number((await client.query("SHOW GLOBAL STATUS LIKE 'Aborted_connects'"))[0]!.Value);
    // The server counts from 0 after a restart.
    const came = now - Math.min(this.#before ?? now, now);
    this.#before = now;
    if (came > 0)
      this.#stray = {
        who: 'an account that the server does not name',
        from: null,
        count: came + (this.#stray?.count ?? 0),
        lastAt: new Date().toISOString(),
      };
    return this.#stray ? [this.#stray] : [];
  }
}
