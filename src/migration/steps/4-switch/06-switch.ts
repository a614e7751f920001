import { StorkyError } from '../../../protocol/errors.ts';
import type { Phase } from '../../../protocol/migration.ts';
import { atSource } from '../../moving.ts';
import { proveReady } from '../../prove-ready.ts';
import { type Step, step } from '../../step.ts';
import { worksAgain } from '../../stood-still.ts';

/**
 * The riskiest step. The two agents do it between themselves; this only asks for it and reads the result, so the control
 * plane may die at any moment in it. Asked again, the source answers with what it recorded.
 */
export const performSwitch = (phase: Phase): Step =>
  step({
    id: `${phase}.switch`,
    phase,
    name: ({ source, destination }) => `Switch from ${source} to ${destination}`,
    async check(ctx) {
      const { role, epoch, migration } = await ctx.source.source.epoch({ app: ctx.migration.srcAppName });
      return role === 'passive' &&
        migration === ctx.migration.id &&
        ctx.migration.report.switches.some((done) => done.epoch === epoch)
        ? 'done'
        : 'todo';
    },
    async run(ctx) {
      const app = ctx.migration.srcAppName;
      // First this, then the role: a switch that ends in between has the last word.
      const { running } = await ctx.source.source.switching({ app });
      const { role, epoch } = await ctx.source.source.epoch({ app });
      // Once more: quiescing takes its time, and an agent that was killed in an earlier try has lost what the check prepared.
      // Never beside the switch of an earlier try, which is joined: what it holds must not be prepared anew.
      if (role === 'active' && !running) await proveReady(ctx);
      const result = await ctx.source.source.switch({
        ...atSource(ctx),
        epoch: role === 'passive' ? epoch : epoch + 1,
        budgetMs: ctx.migration.budgetMs,
      });
      await ctx.report((report) => {
        report.switches = [
          ...report.switches.filter((other) => other.outcome !== 'switched' || other.epoch !== result.epoch),
          result,
        ];
      });
      if (result.outcome === 'backed-out') {
        await ctx.source.source.resume(atSource(ctx));
        throw new StorkyError('switch_backed_out', {
          heldMs: Math.round(result.freezeMs),
          reason: result.reason ?? 'unknown',
        });
      }
      await worksAgain(ctx);
      ctx.log(
        `freeze ${result.freezeMs.toFixed(1)} ms, ${result.held} requests held, longest wait ${result.longestWaitMs.toFixed(1)} ms`,
      );
    },
    async verify(ctx) {
      const [here, there] = await Promise.all([
        ctx.source.source.epoch({ app: ctx.migration.srcAppName }),
        ctx.target.target.epoch({ app: ctx.migration.dstAppName }),
      ]);
      if (here.role !== 'passive' || there.role !== 'active')
        throw new StorkyError('switch_undecided', { app: ctx.migration.srcAppName, region: ctx.target.name });
    },
    undo: { irreversible: 'after the switch the way back is a switch in the other direction' },
  });
