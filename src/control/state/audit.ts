import type { Pool } from 'pg';

/** Who did what to what, and how it ended. Written for every change that is asked of the server. */
export class AuditTable {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async record(who: string, action: string, subject: string, outcome: string): Promise<void> {
    await this.#pool.query('INSERT INTO storky.audit (who, action, subject, outcome) VALUES ($1, $2, $3, $4)', [
      who,
      action,
      subject,
      outcome,
    ]);
  }
}
