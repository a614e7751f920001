import { StorkyError } from '../protocol/errors.ts';
import type { Step, StepContext } from './step.ts';

export type Driven = { status: 'done' } | { status: 'skipped'; why: string };

/** check → run → verify. What check finds done is not run, but verified; what verify refuses is the step's failure. */
export async function drive(step: Step, ctx: StepContext): Promise<Driven> {
  return naming(step, ctx, async () => {
    const standing = await step.check(ctx);
    if (typeof standing === 'object') return { status: 'skipped', why: standing.skip };
    if (standing === 'todo') await step.run(ctx);
    await step.verify(ctx);
    return { status: 'done' };
  });
}

/** Takes a step back; one that cannot be taken back says so and changes nothing. */
export async function takeBack(step: Step, ctx: StepContext): Promise<void> {
  const { undo } = step;
  if (typeof undo === 'function') return naming(step, ctx, () => undo(ctx));
  ctx.log(`not taken back: ${undo.irreversible}`);
}

export const stepName = (step: Step, migration: StepContext['migration']): string =>
  typeof step.name === 'function' ? step.name(migration) : step.name;

/** What is not one of our errors gets the step's name, so that a person can tell where it came from. */
async function naming<T>(step: Step, ctx: StepContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StorkyError || ctx.signal.aborted) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new StorkyError('step_failed', { step: stepName(step, ctx.migration), detail }, { cause: error });
  }
}
