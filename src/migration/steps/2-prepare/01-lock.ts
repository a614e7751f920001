import { atSource } from '../../moving.ts';
import { step } from '../../step.ts';

export const lock = step({
  id: 'prepare.lock',
  phase: 'prepare',
  name: ({ srcAppName }) => `Lock the settings of ${srcAppName}`,
  check: async () => 'todo',
  async run(ctx) {
    const { address } = await ctx.target.info();
    await ctx.source.source.lock({ ...atSource(ctx), peer: address, peerApp: ctx.migration.dstAppName });
  },
  async verify(ctx) {
    const app = await ctx.source.apps.get({ app: ctx.migration.srcAppName });
    if (app.lockedBy !== ctx.migration.id) throw new Error(`${app.name} is locked by ${app.lockedBy ?? 'nobody'}`);
  },
  async undo(ctx) {
    await ctx.source.source.close(atSource(ctx));
    await ctx.source.source.unlock(atSource(ctx));
  },
});
