import type { Migration } from '../../protocol/migration.ts';
import type { Output } from '../io.ts';
import type { Paint } from '../show/paint.ts';
import { wrap } from '../show/wrap.ts';
import { block } from './block.ts';
import { Rates } from './rates.ts';
import type { Screen } from './screen.ts';

const esc = '\x1b[';
// The terminal shows a frame only when it is complete, where it knows how.
const [beginFrame, endFrame] = [`${esc}?2026h`, `${esc}?2026l`];

/** Redraws the block in place, each line over its old self, so that nothing flickers. */
export class LiveScreen implements Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #rates = new Rates();
  readonly #timer: NodeJS.Timeout;
  #migration: Migration | undefined;
  #note: string | null = null;
  #frame = 0;
  /** Lines on the terminal above the cursor that are ours. */
  #drawn = 0;

  constructor(out: Output, paint: Paint) {
    this.#out = out;
    this.#paint = paint;
    out.write(`${esc}?25l`);
    process.once('exit', this.#showCursor);
    this.#timer = setInterval(() => {
      this.#frame += 1;
      this.#draw(this.#fitting());
    }, 100);
  }

  show(migration: Migration): void {
    this.#rates.observe(migration.steps, Date.now());
    this.#migration = migration;
    this.#draw(this.#fitting());
  }

  note(text: string | null): void {
    this.#note = text;
    this.#draw(this.#fitting());
  }

  close(): void {
    clearInterval(this.#timer);
    this.#draw(this.#lines());
    this.#showCursor();
    process.off('exit', this.#showCursor);
  }

  readonly #showCursor = () => void this.#out.write(`${esc}?25h`);

  #lines(): string[] {
    if (!this.#migration) return this.#note ? [this.#paint.red(this.#note)] : [];
    const rate = (id: string) => this.#rates.of(id);
    const text = block(this.#migration, { paint: this.#paint, now: Date.now(), frame: this.#frame, rate });
    return [...wrap(text, (this.#out.columns ?? 80) - 1, '    '), ...(this.#note ? [this.#paint.red(this.#note)] : [])];
  }

  /** What scrolled off cannot be redrawn, so a frame is never higher than the terminal: the newest lines stay. */
  #fitting(): string[] {
    const lines = this.#lines();
    const room = Math.max(4, (this.#out.rows ?? 24) - 2);
    return lines.length <= room
      ? lines
      : [this.#paint.dim(`… ${lines.length - room + 1} lines more`), ...lines.slice(1 - room)];
  }

  #draw(lines: string[]): void {
    const up = this.#drawn ? `${esc}${this.#drawn}A` : '';
    const body = lines.map((line) => `${line}${esc}K\n`).join('');
    this.#out.write(`${beginFrame}\r${up}${body}${esc}J${endFrame}`);
    this.#drawn = lines.length;
  }
}
