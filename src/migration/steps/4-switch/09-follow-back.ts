import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase, StoreReport } from '../../../protocol/migration.ts';
import { atSource } from '../../moving.ts';
import { type Step, type StepContext, step } from '../../step.ts';
import { wayBackTo, whyNoWayBack } from '../../way-back.ts';

/** What is written from the turn on, and was not followed yet, is usually a second's worth. */
const patienceMs = 60_000;

/** The side that the app has left becomes a copy of the other one, so that the switch can be taken back. */
export const followBack = (phase: Phase): Step =>
  step({
    id: `${phase}.follow-back`,
    phase,
    name: ({ source, destination }) => `Keep ${source} current from ${destination}`,
    async check(ctx) {
      const why = whyNoWayBack(ctx.migration);
      return why ? { skip: `there is no way back: ${why}` } : 'todo';
    },
    async run(ctx) {
      const { epoch } = await ctx.source.source.epoch({ app: ctx.migration.srcAppName });
      await ctx.source.source.followBack({ ...atSource(ctx), epoch });
      const stores = await settled(ctx);
      const failed = stores.find(({ stage }) => stage === 'failed');
      const reason = failed ? `${failed.name}: ${failed.detail}` : null;
      await ctx.report((report) => {
        const since = new Date().toISOString();
        report.wayBack = wayBackTo(epoch + 1, { open: !failed, reason, since, stores });
      });
      ctx.log(reason ? `there is no way back: ${reason}` : `${ctx.source.name} follows; the switch can be taken back`);
    },
    verify: async () => {},
    undo: { irreversible: 'after the switch the way back is a switch in the other direction' },
  });

/** The switch is made: a way back that takes its time, or fails, is told, and stops nothing. */
async function settled(ctx: StepContext): Promise<StoreReport[]> {
  for (const giveUpAt = performance.now() + patienceMs; ; ) {
    const stores = await ctx.source.source.followingBack(atSource(ctx));
    const rests = stores.every(({ stage }) => stage === 'in-sync' || stage === 'failed');
    if (rests || performance.now() > giveUpAt) return stores;
    await sleep(200, undefined, { signal: ctx.signal });
  }
}
