import type { Phase } from '../../../protocol/migration.ts';
import { atSource, atTarget } from '../../moving.ts';
import { type Step, step } from '../../step.ts';
import { whyNoWayBack } from '../../way-back.ts';

/** Invariant 7: it exists, and was followed for a moment, before anything is held. */
export const buildWayBack = (phase: Phase): Step =>
  step({
    id: `${phase}.build-way-back`,
    phase,
    name: 'Build the way back, and prove it',
    async check(ctx) {
      const why = whyNoWayBack(ctx.migration);
      if (why) return { skip: `after this switch there is no way back: ${why}` };
      const { role } = await ctx.source.source.epoch({ app: ctx.migration.srcAppName });
      return role === 'passive' ? 'done' : 'todo';
    },
    async run(ctx) {
      const { epoch } = await ctx.source.source.epoch({ app: ctx.migration.srcAppName });
      await ctx.target.target.openWayBack({ ...atTarget(ctx), epoch: epoch + 1 });
      await ctx.source.source.proveWayBack({ ...atSource(ctx), epoch: epoch + 1 });
      ctx.log(`${ctx.target.name} can be followed from ${ctx.source.name}`);
    },
    verify: async () => {},
    undo: async (ctx) => void (await ctx.target.target.closeWayBack(atTarget(ctx))),
  });
