import type { Pool, PoolClient } from 'pg';
import { StorkyError } from '../../protocol/errors.ts';
import { isOver, type Migration, type MigrationStatus, type Phase } from '../../protocol/migration.ts';
import { inTransaction } from './schema.ts';

/** What the server knows of a phase that is running, beyond what it shows. */
export interface RunState {
  phase: Phase;
  attempt: number;
  /** Where the migration goes back to when a phase that can be taken back fails. */
  from: MigrationStatus;
  /** True from just before a step that cannot be undone: from then on, abort is refused. */
  committed: boolean;
  /** True when the phase goes on from its failed step. */
  resume: boolean;
  /** Steps that ended well since the phase was begun. The journal's rows may be of an earlier time: phases alternate. */
  finished?: string[];
}

export interface MigrationRow {
  migration: Omit<Migration, 'steps'>;
  run: RunState | null;
}

interface Row {
  document: MigrationRow['migration'];
  run: RunState | null;
}

const columns = 'document, run';

export class MigrationTable {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Throws `migration_in_progress` when the app has one that is not finished: the index decides, not a look beforehand. */
  async create({ migration, run }: MigrationRow): Promise<void> {
    await this.#refusingTwo(() =>
      this.#pool.query(
        `INSERT INTO storky.migrations (id, app, source, destination, status, finished, run, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          migration.id,
          migration.srcAppName,
          migration.source,
          migration.destination,
          migration.status,
          isOver(migration),
          run,
          migration,
        ],
      ),
    );
  }

  async find(id: string): Promise<MigrationRow | undefined> {
    const { rows } = await this.#pool.query<Row>(`SELECT ${columns} FROM storky.migrations WHERE id::text = $1`, [id]);
    return rows.map(toRow)[0];
  }

  /** Newest first. */
  async ofApp(app: string): Promise<MigrationRow[]> {
    const { rows } = await this.#pool.query<Row>(
      `SELECT ${columns} FROM storky.migrations
       WHERE app = $1 OR document->>'dstAppName' = $1 ORDER BY created_at DESC`,
      [app],
    );
    return rows.map(toRow);
  }

  /** With its steps, unless more than its preflight was ever begun: false. A phase that begins at this moment keeps it. */
  async removeUntouched(id: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `DELETE FROM storky.migrations WHERE id::text = $1 AND status IN ('preflight-success', 'preflight-error')`,
      [id],
    );
    return rowCount === 1;
  }

  async unfinished(): Promise<MigrationRow[]> {
    const { rows } = await this.#pool.query<Row>(`SELECT ${columns} FROM storky.migrations WHERE NOT finished`);
    return rows.map(toRow);
  }

  async touching(region: string): Promise<MigrationRow[]> {
    return (await this.unfinished()).filter(
      ({ migration }) => migration.source === region || migration.destination === region,
    );
  }

  /** Reads, changes and writes under the row's lock. What `change` throws leaves the row as it was. */
  async update(id: string, change: (row: MigrationRow) => void): Promise<MigrationRow> {
    return this.#refusingTwo(() =>
      inTransaction(this.#pool, async (client) => {
        const { rows } = await client.query<Row>(
          `SELECT ${columns} FROM storky.migrations WHERE id::text = $1 FOR UPDATE`,
          [id],
        );
        if (!rows[0]) throw new StorkyError('unknown_migration', { id });
        const row = toRow(rows[0]);
        change(row);
        await write(client, row);
        return row;
      }),
    );
  }

  /** Around a transaction, never in it: the embedded state has one session, which a second query would wait for. */
  async #refusingTwo<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { constraint, detail } = error as { constraint?: string; detail?: string };
      if (constraint !== 'one_unfinished') throw error;
      const [, source, app] = /\(source, app\)=\((.*), (.*)\)/.exec(detail ?? '') ?? [];
      const other = (await this.unfinished()).find(
        ({ migration }) => migration.srcAppName === app && migration.source === source,
      );
      throw new StorkyError('migration_in_progress', { app: app ?? '', migration: other?.migration.id ?? 'another' });
    }
  }
}

async function write(client: PoolClient, { migration, run }: MigrationRow): Promise<void> {
  await client.query('UPDATE storky.migrations SET status = $2, finished = $3, run = $4, document = $5 WHERE id = $1', [
    migration.id,
    migration.status,
    isOver(migration),
    run,
    migration,
  ]);
}

const toRow = ({ document, run }: Row): MigrationRow => ({ migration: document, run });
