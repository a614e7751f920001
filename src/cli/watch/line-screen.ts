import type { Migration, MigrationStep } from '../../protocol/migration.ts';
import type { Output } from '../io.ts';
import type { Paint } from '../show/paint.ts';
import { migrationStatus } from '../show/status.ts';
import { header } from './block.ts';
import { Rates } from './rates.ts';
import type { Screen } from './screen.ts';
import { stepLine } from './step-line.ts';

const progressEveryMs = 5_000;

/** For logs and pipes: one line for each change, no cursor tricks. Steps that were over `before` are not repeated. */
export class LineScreen implements Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #rates = new Rates();
  readonly #steps = new Map<string, { mark: string; shownAt: number }>();
  #status: string | undefined;

  constructor(out: Output, paint: Paint, before?: Migration) {
    this.#out = out;
    this.#paint = paint;
    for (const step of before?.steps ?? []) this.#steps.set(step.id, { mark: markOf(step), shownAt: 0 });
  }

  show(migration: Migration): void {
    const now = Date.now();
    if (this.#status === undefined) this.#line(header(migration, { paint: this.#paint }));
    else if (migration.status !== this.#status) this.#line(`Status: ${migrationStatus(migration.status, this.#paint)}`);
    this.#status = migration.status;
    this.#rates.observe(migration.steps, now);
    const aborts = migration.steps.some((step) => step.phase === 'abort');
    for (const step of migration.steps) this.#step(step, now, aborts);
  }

  note(text: string | null): void {
    this.#line(text === null ? 'Connected again.' : this.#paint.red(text));
  }

  close(): void {}

  #step(step: MigrationStep, now: number, aborts: boolean): void {
    const shown = this.#steps.get(step.id);
    const changed = shown?.mark !== markOf(step);
    const due = step.status === 'running' && step.progress && shown && now - shown.shownAt >= progressEveryMs;
    this.#steps.set(step.id, { mark: markOf(step), shownAt: changed || due ? now : shown.shownAt });
    // An abort has a line of its own for each step that it takes back.
    if ((!changed && !due) || (aborts && step.status === 'undone')) return;
    const moment = { paint: this.#paint, now, frame: 0, rate: (id: string) => this.#rates.of(id) };
    this.#line(`${step.phase.padEnd(9)} ${stepLine(step, moment)}`);
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}

/** A step that is run again keeps its id. */
const markOf = ({ status, startedAt }: MigrationStep) => `${status} ${startedAt}`;
