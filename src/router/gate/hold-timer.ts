import { log } from '../../base/log.ts';
import { settleByRecord, type Verdict } from './settle.ts';

export interface Hold {
  budgetMs: number;
  /** Wall clock, since it is kept over a restart. */
  deadline: number;
  /** Null: no switch is under way, so nothing settles this hold but the agent. */
  epoch: number | null;
  epochFile: string | null;
}

export interface HoldEnd {
  backOut(to: 'serve' | 'forward'): void;
  /** Who waited a whole budget is refused. */
  refuseOverdue(): void;
  /** The agent takes the fence away before it says `serve`; while it is there it gets this long, milliseconds. */
  graceMs(): number;
}

/** Ends a hold about which no word comes. */
export class HoldTimer {
  readonly #app: string;
  readonly #end: HoldEnd;
  #timer: NodeJS.Timeout | undefined;

  constructor(app: string, end: HoldEnd) {
    this.#app = app;
    this.#end = end;
  }

  start(hold: Hold): void {
    const left = Math.min(hold.budgetMs, Math.max(0, hold.deadline - Date.now()));
    this.#after(left, () => this.#settle(hold, false));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** First at the budget; then once more after each further budget, for as long as the record says to wait. */
  #settle(hold: Hold, again: boolean): void {
    const verdict = this.#verdict(hold);
    if (verdict !== 'wait') return void this.#after(this.#end.graceMs(), () => this.#end.backOut(verdict));
    log.warn({ app: this.#app, epoch: hold.epoch }, 'the hold is over its budget; it waits for the word of the agent');
    if (again || hold.epoch === null) this.#end.refuseOverdue();
    this.#after(hold.budgetMs, () => this.#settle(hold, true));
  }

  #verdict({ epoch, epochFile }: Hold): Verdict {
    if (epoch === null || epochFile === null) return 'wait';
    try {
      return settleByRecord(epochFile, epoch);
    } catch (error) {
      log.error({ app: this.#app, epochFile, detail: String(error) }, 'the epoch record cannot be read');
      return 'wait';
    }
  }

  #after(ms: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
  }
}
