import { atSource, atTarget } from '../../moving.ts';
import { step } from '../../step.ts';

/** Proves the path of the marker and the link before anything is held; the first marker of a stream can take seconds. */
export const rehearse = step({
  id: 'data.rehearse',
  phase: 'data',
  name: 'Rehearse the switch',
  check: async () => 'todo',
  async run(ctx) {
    await ctx.source.source.ready(atSource(ctx));
    const { roundTripMs } = await ctx.target.target.rehearse(atTarget(ctx));
    await ctx.report((report) => {
      report.predictedFreezeMs = Math.ceil(roundTripMs + 30);
    });
    ctx.log(`a marker and its answer take ${roundTripMs.toFixed(1)} ms`);
  },
  verify: async () => {},
  undo: async () => {},
});
