import type { Pool } from 'pg';
import type { MigrationStep } from '../../protocol/migration.ts';

/** The journal: one row for each step that was ever begun, in the order of the beginning. */
export class StepTable {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(migration: string): Promise<MigrationStep[]> {
    const { rows } = await this.#pool.query<{ document: MigrationStep }>(
      'SELECT document FROM storky.steps WHERE migration = $1 ORDER BY position',
      [migration],
    );
    return rows.map((row) => row.document);
  }

  async find(migration: string, id: string): Promise<MigrationStep | undefined> {
    const { rows } = await this.#pool.query<{ document: MigrationStep }>(
      'SELECT document FROM storky.steps WHERE migration = $1 AND id = $2',
      [migration, id],
    );
    return rows[0]?.document;
  }

  async put(migration: string, step: MigrationStep): Promise<void> {
    await this.#pool.query(
      `INSERT INTO storky.steps (migration, id, document) VALUES ($1, $2, $3)
       ON CONFLICT (migration, id) DO UPDATE SET document = excluded.document`,
      [migration, step.id, step],
    );
  }
}
