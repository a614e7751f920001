import type { Phase } from '../protocol/migration.ts';
import { atTarget, finished, switchesMade } from './moving.ts';
import { type Step, step } from './step.ts';

/** The web processes start behind their own gate and must be healthy there; workers wait until the switch. */
export const startWebAtTarget = (phase: Phase): Step =>
  step({
    id: `${phase}.start-web`,
    phase,
    name: ({ dstAppName, destination }) => `Start ${dstAppName} in ${destination} and check its health`,
    async check({ migration }) {
      // Once switched to and back, the processes here have ended with the role they were for.
      const stillThere = finished(migration, 'data.start-web') && switchesMade(migration) === 0;
      return phase === 'finalize' && stillThere ? { skip: 'done by the data phase' } : 'todo';
    },
    async run(ctx) {
      const { previewUrl } = await ctx.target.target.startWeb(atTarget(ctx));
      await ctx.report((report) => {
        report.previewUrl = previewUrl;
      });
      ctx.log(`preview: ${previewUrl}`);
    },
    verify: async () => {},
    // After a back-out the preview goes on; abort removes it with the app.
    undo: async (ctx) => void (phase !== 'finalize' && (await ctx.target.target.stopWeb(atTarget(ctx)))),
  });
