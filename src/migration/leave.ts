import { atSource, atTarget } from './moving.ts';
import type { StepContext } from './step.ts';

/**
 * The addon stays where it is; the app over there is let in, and reaches it through the link between the agents. What
 * followed it there is given up, on both sides. Idempotent.
 */
export async function leaveInPlace(ctx: StepContext, store: string): Promise<void> {
  await ctx.source.source.lend({ ...atSource(ctx), store });
  await ctx.target.target.useRemotely({ ...atTarget(ctx), store });
  await ctx.source.source.close({ ...atSource(ctx), store });
  await ctx.report((report) => {
    const left = report.stores.find(({ name }) => name === store);
    const detail = `in ${ctx.source.name}, used from ${ctx.target.name}`;
    if (left) Object.assign(left, { region: ctx.source.name, stage: 'stays', lagBytes: null, lagMs: null, detail });
  });
  ctx.log(`${store} stays in ${ctx.source.name}; ${ctx.target.name} reaches it`);
}
