import { StorkyError } from '../../../protocol/errors.ts';
import type { Phase } from '../../../protocol/migration.ts';
import { compareTrees } from '../../compare-trees.ts';
import { proveReady } from '../../prove-ready.ts';
import { type Step, step } from '../../step.ts';

/** Everything that could make the switch end badly is asked before anything is held. */
export const checkAgain = (phase: Phase): Step =>
  step({
    id: `${phase}.check-again`,
    phase,
    name: 'Check again',
    check: async () => 'todo',
    async run(ctx) {
      const pending = await ctx.source.source.pendingMigrations({ app: ctx.migration.srcAppName });
      if (pending.length > 0)
        throw new StorkyError('pending_migrations', {
          app: ctx.migration.srcAppName,
          detail: pending.slice(0, 3).join(', '),
        });
      await compareTrees(ctx);
      const { roundTripMs } = await proveReady(ctx);
      ctx.log(`ready; a marker and its answer take ${roundTripMs.toFixed(1)} ms`);
    },
    verify: async () => {},
    undo: async () => {},
  });
