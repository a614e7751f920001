import type { Phase } from '../../../protocol/migration.ts';
import { atSource, atTarget } from '../../moving.ts';
import { type Step, step } from '../../step.ts';
import { wayBackTo, whyNoWayBack } from '../../way-back.ts';

/** What following needed is taken away on both sides. The old gate goes on forwarding, the old database stays fenced. */
export const tidy = (phase: Phase): Step =>
  step({
    id: `${phase}.tidy`,
    phase,
    name: 'Take away what following needed',
    check: async () => 'todo',
    async run(ctx) {
      await ctx.target.target.close(atTarget(ctx));
      // With a way back the old side keeps its lock: what is changed there would be changed on a copy.
      const why = whyNoWayBack(ctx.migration);
      if (why === null) return void (await ctx.source.source.close(atSource(ctx)));
      await ctx.target.target.endLoans(atTarget(ctx));
      await ctx.source.source.unlock(atSource(ctx));
      const { epoch } = await ctx.source.source.epoch({ app: ctx.migration.srcAppName });
      await ctx.report((report) => {
        report.wayBack = wayBackTo(epoch + 1, { open: false, reason: why });
      });
    },
    verify: async () => {},
    undo: { irreversible: 'after the switch the way back is a switch in the other direction' },
  });
