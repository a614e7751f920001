import { log } from '../../base/log.ts';
import type { MigrationStep, Progress } from '../../protocol/migration.ts';
import type { StepTable } from '../state/steps.ts';
import type { Changes } from './changes.ts';

const writeEveryMs = 250;
const maxLogChars = 64 * 1024;

export interface Journal {
  steps: StepTable;
  changes: Changes;
}

export const begunNow = (step: Pick<MigrationStep, 'id' | 'phase' | 'name'>): MigrationStep => ({
  ...step,
  status: 'running',
  startedAt: new Date().toISOString(),
  finishedAt: null,
  progress: null,
  logs: null,
});

/** The journal's row of one step while it runs. Progress and logs are written at most four times a second, its end at once. */
export class StepLog {
  readonly #journal: Journal;
  readonly #migration: string;
  #row: MigrationStep;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(journal: Journal, migration: string, row: MigrationStep) {
    this.#journal = journal;
    this.#migration = migration;
    this.#row = row;
  }

  /** Goes on with a row: `begunNow` for a fresh one, a known one for a step that was interrupted or is taken back. */
  static async begin(journal: Journal, migration: string, row: MigrationStep): Promise<StepLog> {
    const begun = new StepLog(journal, migration, { ...row, status: 'running', finishedAt: null });
    await begun.#write();
    return begun;
  }

  progress(progress: Progress): void {
    this.#row = { ...this.#row, progress };
    this.#soon();
  }

  log(line: string): void {
    const logs = `${this.#row.logs ? `${this.#row.logs}\n` : ''}${line}`.slice(-maxLogChars);
    this.#row = { ...this.#row, logs };
    this.#soon();
  }

  async end(status: MigrationStep['status']): Promise<void> {
    this.#row = { ...this.#row, status, finishedAt: new Date().toISOString() };
    await this.#write();
  }

  /** Leaves the row as running, with what was said so far. */
  async pause(): Promise<void> {
    await this.#write();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#write().catch((error: unknown) => log.warn({ err: error, step: this.#row.id }, 'progress was not written'));
    }, writeEveryMs);
  }

  /** One write at a time, each of the newest row, so that a late one never brings back an old state. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const write = async () => {
      await this.#journal.steps.put(this.#migration, this.#row);
      this.#journal.changes.tell(this.#migration);
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
