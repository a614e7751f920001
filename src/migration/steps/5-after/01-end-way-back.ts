import { StorkyError } from '../../../protocol/errors.ts';
import { atSource, atTarget } from '../../moving.ts';
import { type StepContext, step } from '../../step.ts';

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
    const left = (await isThere(ctx)) ? 'keeps its data, sealed, and forwards' : 'has nothing of the app any more';
    ctx.log(`${ctx.source.name} serves alone; ${ctx.target.name} ${left}`);
  },
  verify: async () => {},
  undo: { irreversible: 'a stream that was ended cannot be taken up again; a new migration copies anew' },
});

/** It may have been taken away by hand, or with its host. */
const isThere = ({ target, migration }: StepContext): Promise<boolean> =>
  target.apps.get({ app: migration.dstAppName }).then(
    () => true,
    (error: unknown) => {
      if (StorkyError.from(error).code === 'unknown_app') return false;
      throw error;
    },
  );
