import type { SwitchReport } from '../../src/protocol/migration.ts';
import { percentile, round } from '../bench/statistics.ts';

/** One switch that was made, in either direction. */
export interface Switched {
  phase: 'finalize' | 'rollback';
  report: SwitchReport;
  /** From the command until the phase rested, milliseconds. */
  tookMs: number;
}

/** What the walk counts as it goes. */
export class Figures {
  readonly switched: Switched[] = [];
  /** Attempts that backed out, or were refused before anything was held, with the reason; each was made again. */
  readonly notMade: string[] = [];
  fresh = 0;
  completed = 0;
  aborted = 0;

  get held(): number {
    return this.switched.reduce((sum, { report }) => sum + report.held, 0);
  }

  /** Milliseconds in the freeze. Of 200 figures the 99th percentile is the third largest. */
  freeze(percent: number, phase?: Switched['phase']): number {
    return this.#of(percent, phase, ({ report }) => report.freezeMs);
  }

  took(percent: number, phase: Switched['phase']): number {
    return this.#of(percent, phase, ({ tookMs }) => tookMs);
  }

  #of(percent: number, phase: Switched['phase'] | undefined, value: (one: Switched) => number): number {
    const values = this.switched.filter((one) => !phase || one.phase === phase).map(value);
    return values.length === 0 ? 0 : round(percentile(values, percent));
  }
}
