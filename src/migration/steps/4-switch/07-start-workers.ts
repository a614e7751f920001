import type { Phase } from '../../../protocol/migration.ts';
import { atTarget } from '../../moving.ts';
import { type Step, step } from '../../step.ts';

export const startWorkers = (phase: Phase): Step =>
  step({
    id: `${phase}.start-workers`,
    phase,
    name: ({ destination }) => `Start workers and schedules in ${destination}`,
    check: async () => 'todo',
    run: async (ctx) => void (await ctx.target.target.startWorkers(atTarget(ctx))),
    verify: async () => {},
    undo: { irreversible: 'after the switch the way back is a switch in the other direction' },
  });
