import { proveReady } from '../../prove-ready.ts';
import { step } from '../../step.ts';

/** Proves the path of the marker and the link before anything is held; the first marker of a stream can take seconds. */
export const rehearse = step({
  id: 'data.rehearse',
  phase: 'data',
  name: 'Rehearse the switch',
  check: async () => 'todo',
  async run(ctx) {
    const { roundTripMs } = await proveReady(ctx);
    await ctx.report((report) => {
      report.predictedFreezeMs = Math.ceil(roundTripMs + 30);
    });
    ctx.log(`a marker and its answer take ${roundTripMs.toFixed(1)} ms`);
  },
  verify: async () => {},
  undo: async () => {},
});
