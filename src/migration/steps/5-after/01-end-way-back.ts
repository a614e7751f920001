import { atSource, atTarget } from '../../moving.ts';
import { step } from '../../step.ts';

/** The old side first: what it follows cannot be taken away while it does. It stays sealed, and its gate goes on forwarding. */
export const endWayBack = step({
  id: 'complete.end-way-back',
  phase: 'complete',
  name: ({ source, destination }) => `End the way back from ${source} to ${destination}`,
  check: async () => 'todo',
  async run(ctx) {
    await ctx.target.target.forget(atTarget(ctx));
    await ctx.source.source.unlock(atSource(ctx));
    await ctx.report((report) => {
      if (report.wayBack) Object.assign(report.wayBack, { open: false, reason: 'it was ended', stores: [] });
    });
    ctx.log(`${ctx.source.name} serves alone; ${ctx.target.name} keeps its data, sealed, and forwards`);
  },
  verify: async () => {},
  undo: { irreversible: 'a stream that was ended cannot be taken up again; a new migration copies anew' },
});
