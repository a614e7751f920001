import { randomUUID } from 'node:crypto';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { type Carrier, isOver, type Migration, type Phase, restingStatuses } from '../../protocol/migration.ts';
import type { Runner } from '../../workflow/runner.ts';
import type { Apps } from '../regions/apps.ts';
import { within } from '../regions/within.ts';
import type { MigrationRow } from '../state/migrations.ts';
import { abortKind } from './abort-kind.ts';
import { settleSteps } from './end-run.ts';
import { leaveBehind } from './leave-behind.ts';
import { newMigration } from './new-migration.ts';
import { phaseKind, type RunInput, type RunParts, runId } from './runs.ts';
import { atWork, statusDuring, whyNot } from './status.ts';
import { withWayBack } from './way-back.ts';

export interface MigrationParts extends RunParts {
  runner: Runner;
  apps: Apps;
}

export interface NewMigration {
  app: string;
  from?: string;
  destination: string;
  dstAppName?: string;
  carriers: Record<string, Carrier>;
  addresses?: Record<string, string>;
  budgetMs: number;
  copyLimit?: number | null;
}

export interface RunOptions {
  budgetMs?: number | undefined;
  withoutWayBack?: boolean | undefined;
  /** Of a rollback: addons that stay where the switch brought them. */
  leave?: string[] | undefined;
}

/** How long a stopped step may take to notice before its undo begins, milliseconds. */
const stopMs = 30_000;
/** How often a watcher looks by itself, for changes that another server made. */
const lookMs = 2_000;

export class Migrations {
  readonly #parts: MigrationParts;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
    const abort = abortKind(parts);
    parts.runner.define('phase', phaseKind(parts)).define<RunInput>('abort', {
      ...abort,
      steps: async (input) => [
        { id: 'stop what runs', execute: () => this.#stopOthers(input) },
        ...(await abort.steps(input)),
      ],
    });
  }

  /** Takes up what a killed server left between its decision and the run's start. */
  async recover(): Promise<void> {
    for (const row of await this.#parts.migrations.unfinished()) {
      if (!atWork.includes(row.migration.status)) continue;
      if (!row.run) {
        await this.#begin(row.migration.id, 'preflight', () => {});
        continue;
      }
      const standing = await this.#parts.runner.standing(runId({ migration: row.migration.id, ...row.run }));
      if (standing === 'unknown') await this.#start(row);
      if (standing === 'ended') await this.#begin(row.migration.id, row.run.phase, () => {});
    }
  }

  async create(input: NewMigration): Promise<Migration> {
    const migration = await newMigration(this.#parts, randomUUID(), input);
    await this.#offer(migration, input.addresses ?? {});
    await this.#parts.migrations.create({ migration, run: null });
    return this.run(migration.srcAppName, migration.id, 'preflight');
  }

  /** Secrets pass by, and are not kept here. */
  async #offer({ id, destination, dstAppName }: Omit<Migration, 'steps'>, addresses: Record<string, string>) {
    if (Object.keys(addresses).length === 0) return;
    const { target } = await this.#parts.connect(destination);
    await target.offer({ app: dstAppName, migration: id, addresses });
  }

  /** Begins a phase, or an abort, and answers; it goes on by itself. Throws `wrong_phase` when it is not its turn. */
  async run(app: string, id: string, phase: Phase, options: RunOptions = {}): Promise<Migration> {
    await this.show(app, id);
    await this.#begin(id, phase, (row) => {
      const hint = whyNot(row, phase);
      if (hint) throw new StorkyError('wrong_phase', { phase, status: row.migration.status, hint });
      leaveBehind(row.migration, phase, options.leave ?? []);
      if (options.budgetMs !== undefined) row.migration.budgetMs = options.budgetMs;
      if (options.withoutWayBack !== undefined) row.migration.withoutWayBack = options.withoutWayBack;
    });
    return this.show(app, id);
  }

  /** Of the copy, also while it runs; bytes a second. */
  async limit(app: string, id: string, copyLimit: number | null): Promise<Migration> {
    const { destination, dstAppName, status } = await this.show(app, id);
    if (isOver(await this.show(app, id)))
      throw new StorkyError('wrong_phase', { phase: 'limit', status, hint: 'Nothing is copied any more.' });
    await this.#parts.migrations.update(id, ({ migration }) => {
      migration.copyLimit = copyLimit;
    });
    this.#parts.changes.tell(id);
    // Where nothing is copied yet, the step that copies will say it.
    const { target } = await this.#parts.connect(destination);
    // Said about a copy that may be running, a number is meant as it is.
    const insists = copyLimit !== null;
    await target.limit({ app: dstAppName, migration: id, copyLimit, insists }).catch((error: StorkyError) => {
      if (error.code !== 'unknown_migration') throw error;
    });
    return this.show(app, id);
  }

  /** @throws StorkyError wrong_phase unless it was only checked */
  async remove(app: string, id: string): Promise<void> {
    const { status } = await this.#find(app, id);
    if (!(await this.#parts.migrations.removeUntouched(id)))
      throw new StorkyError('wrong_phase', { phase: 'remove', status, hint: 'What it has changed stays in the list.' });
    await this.#parts.runner.forget(`${id}/`);
  }

  async list(app: string): Promise<Migration[]> {
    return Promise.all((await this.#parts.migrations.ofApp(app)).map((row) => this.#view(row)));
  }

  async show(app: string, id: string): Promise<Migration> {
    return withWayBack(this.#parts, await this.#find(app, id));
  }

  async #find(app: string, id: string): Promise<Migration> {
    const row = await this.#parts.migrations.find(id);
    if (!row || ![row.migration.srcAppName, row.migration.dstAppName].includes(app))
      throw new StorkyError('unknown_migration', { id });
    return this.#view(row);
  }

  /** The migration now, then at every change, until no phase is running. */
  async *watch(app: string, id: string, signal: AbortSignal): AsyncGenerator<Migration, void> {
    for (let last = ''; !signal.aborted; ) {
      const changed = new AbortController();
      const next = this.#parts.changes.next(id, lookMs, AbortSignal.any([signal, changed.signal]));
      const migration = await this.show(app, id);
      const text = JSON.stringify(migration);
      if (text !== last) yield migration;
      last = text;
      if (restingStatuses.includes(migration.status)) return changed.abort();
      await next;
    }
  }

  async #begin(id: string, phase: Phase, check: (row: MigrationRow) => void): Promise<void> {
    const row = await this.#parts.migrations.update(id, (row) => {
      check(row);
      const { migration, run } = row;
      const resume = run?.phase === phase && ['error', ...atWork].includes(migration.status);
      const attempt = (run?.attempt ?? 0) + 1;
      row.run = resume
        ? { ...run, attempt, resume }
        : { phase, attempt, from: migration.status, committed: false, resume, finished: [] };
      migration.status = statusDuring(phase);
      migration.failedPhase = null;
      migration.finishedAt = null;
    });
    this.#parts.changes.tell(id);
    await this.#start(row);
  }

  async #start({ migration, run }: MigrationRow): Promise<void> {
    const { phase, attempt, resume } = run!;
    const input: RunInput = { migration: migration.id, phase, attempt, resume };
    const { runner } = this.#parts;
    await runner.start(input.phase === 'abort' ? 'abort' : 'phase', runId(input), input);
    await runner
      .forget(`${migration.id}/`, runId(input))
      .catch((error: unknown) => log.warn({ detail: String(error) }, 'the journals of earlier runs stay for now'));
  }

  /** Before anything is undone, nothing may work forwards any more. */
  async #stopOthers({ migration, attempt }: RunInput): Promise<void> {
    const earlier = (await this.#parts.runner.unfinished(`${migration}/`)).filter(
      (id) => !id.endsWith(`/abort/${attempt}`),
    );
    await within(stopMs, Promise.all(earlier.map((id) => this.#parts.runner.stop(id)))).catch(() => {});
    await settleSteps(this.#parts, migration);
  }

  async #view({ migration }: MigrationRow): Promise<Migration> {
    return { ...migration, steps: await this.#parts.steps.list(migration.id) };
  }
}
