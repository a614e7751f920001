import type { Phase } from '../../../protocol/migration.ts';
import { atSource } from '../../moving.ts';
import { type Step, step } from '../../step.ts';

/** Workers and schedules must never run on both sides. */
export const quiesce = (phase: Phase): Step =>
  step({
    id: `${phase}.quiesce`,
    phase,
    stopsTheApp: true,
    name: 'Stop workers and schedules on the source',
    check: async () => 'todo',
    run: async (ctx) => void (await ctx.source.source.quiesce(atSource(ctx))),
    verify: async () => {},
    undo: async (ctx) => void (await ctx.source.source.resume(atSource(ctx))),
  });
