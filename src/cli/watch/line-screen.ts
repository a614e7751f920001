import type { Migration, MigrationStep } from '../../protocol/migration.ts';
import type { Output } from '../io.ts';
import type { Paint } from '../show/paint.ts';
import { migrationStatus } from '../show/status.ts';
import { header } from './block.ts';
import { Rates } from './rates.ts';
import type { Screen } from './screen.ts';
import { stepLine } from './step-line.ts';

const progressEveryMs = 5_000;
/** A step that ends sooner has one line, which says how it ended. */
const worthALineMs = 2_000;

interface Shown {
  mark: string;
  at: number;
}

/** For logs and pipes: one line for each change, no cursor tricks. What was over `before`, its head too, is not repeated. */
export class LineScreen implements Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #rates = new Rates();
  readonly #steps = new Map<string, Shown>();
  readonly #timer: NodeJS.Timeout;
  #status: string | undefined;
  #latest: Migration | undefined;

  constructor(out: Output, paint: Paint, before?: Migration) {
    this.#out = out;
    this.#paint = paint;
    this.#status = before?.status;
    for (const step of before?.steps ?? []) this.#steps.set(step.id, { mark: markOf(step), at: 0 });
    // A step that takes its time may tell nothing for long.
    this.#timer = setInterval(() => this.#latest && this.#showSteps(this.#latest), 500).unref();
  }

  show(migration: Migration): void {
    const known = this.#status;
    this.#status = migration.status;
    if (known === undefined) this.#line(header(migration, { paint: this.#paint }));
    this.#rates.observe(migration.steps, Date.now());
    this.#latest = migration;
    this.#showSteps(migration);
    // That it is running, its steps say.
    if (known !== undefined && known !== migration.status && migration.status !== 'running')
      this.#line(`Status: ${migrationStatus(migration.status, this.#paint)}`);
  }

  note(text: string | null): void {
    this.#line(text === null ? 'Connected again.' : this.#paint.red(text));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #showSteps({ steps }: Migration): void {
    const now = Date.now();
    const aborts = steps.some((step) => step.phase === 'abort');
    for (const step of steps) {
      if (!this.#isDue(step, now)) continue;
      this.#steps.set(step.id, { mark: markOf(step), at: now });
      // An abort has a line of its own for each step that it takes back.
      if (aborts && step.status === 'undone') continue;
      const moment = { paint: this.#paint, now, frame: null, rate: (id: string) => this.#rates.of(id) };
      this.#line(`${step.phase.padEnd(9)} ${stepLine(step, moment)}`);
    }
  }

  #isDue(step: MigrationStep, now: number): boolean {
    const shown = this.#steps.get(step.id);
    if (shown?.mark !== markOf(step))
      return step.status !== 'running' || now - Date.parse(step.startedAt) > worthALineMs;
    return step.status === 'running' && step.progress !== null && now - shown.at >= progressEveryMs;
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}

/** A step that is run again keeps its id. */
const markOf = ({ status, startedAt }: MigrationStep) => `${status} ${startedAt}`;
