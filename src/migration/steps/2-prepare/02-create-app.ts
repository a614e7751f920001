import { atTarget } from '../../moving.ts';
import { step } from '../../step.ts';

export const createApp = step({
  id: 'prepare.create-app',
  phase: 'prepare',
  name: ({ dstAppName, destination }) => `Create ${dstAppName} in ${destination}`,
  check: async () => 'todo',
  async run(ctx) {
    const { address } = await ctx.source.info();
    const { desired } = await ctx.source.source.desired({ app: ctx.migration.srcAppName });
    const { appId } = await ctx.target.target.create({
      ...atTarget(ctx),
      from: address,
      sourceApp: ctx.migration.srcAppName,
      desired,
    });
    await ctx.newApp(appId);
  },
  async verify(ctx) {
    const app = await ctx.target.apps.get({ app: ctx.migration.dstAppName });
    if (app.role !== 'passive') throw new Error(`${app.name} is ${app.role} in ${ctx.target.name} before any switch`);
  },
  async undo(ctx) {
    await ctx.target.target.remove(atTarget(ctx));
    await ctx.newApp(null);
  },
});
