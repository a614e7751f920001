import { atSource } from '../../moving.ts';
import { step } from '../../step.ts';
import { standsStill, worksAgain } from '../../stood-still.ts';

/** Only carrier `backup` needs a source that stands still; `live` leaves it serving. */
export const stopSource = step({
  id: 'data.stop-source',
  phase: 'data',
  stopsTheApp: true,
  name: ({ srcAppName }) => `Stop ${srcAppName} for its backup`,
  async check({ migration }) {
    return migration.report.stores.some((store) => store.carrier === 'backup')
      ? 'todo'
      : { skip: 'nothing is carried by backup; the app goes on serving' };
  },
  async run(ctx) {
    await standsStill(ctx);
    await ctx.source.source.stopApp(atSource(ctx));
  },
  verify: async () => {},
  async undo(ctx) {
    await ctx.source.source.startApp(atSource(ctx));
    await worksAgain(ctx);
  },
});
