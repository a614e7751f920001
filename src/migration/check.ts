import type { CheckResult } from '../protocol/migration.ts';
import { type Step, type StepContext, step } from './step.ts';

export type Verdict = Pick<CheckResult, 'verdict' | 'detail' | 'remedy'>;

/** One preflight check: a question with a verdict, never a change. */
export interface Check {
  readonly id: string;
  readonly name: string;
  ask(ctx: StepContext): Promise<Verdict | CheckResult[]>;
}

export const pass = (detail: string): Verdict => ({ verdict: 'pass', detail, remedy: null });
export const warn = (detail: string, remedy: string): Verdict => ({ verdict: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Verdict => ({ verdict: 'fail', detail, remedy });
export const notApplicable = (detail: string): Verdict => ({ verdict: 'not-applicable', detail, remedy: null });

/**
 * A check as a step of the preflight. A check that fails does not stop the others: the verdict goes into the report, and
 * the last step of the phase (rollup.ts) fails for all of them together, so that the user mends everything at once.
 */
export function checkStep(check: Check): Step {
  return step({
    id: `preflight.${check.id}`,
    phase: 'preflight',
    name: check.name,
    check: async () => 'todo',
    async run(ctx) {
      const answer = await check.ask(ctx);
      const results = Array.isArray(answer) ? answer : [{ id: check.id, name: check.name, ...answer }];
      for (const result of results) ctx.log(`${result.verdict}: ${result.name}: ${result.detail}`);
      await ctx.report((report) => {
        const others = report.checks.filter((known) => !results.some((result) => result.id === known.id));
        report.checks = [...others, ...results];
      });
    },
    verify: async () => {},
    undo: async () => {},
  });
}
