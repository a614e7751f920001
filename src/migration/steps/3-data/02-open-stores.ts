import { atSource } from '../../moving.ts';
import { step } from '../../step.ts';

export const openStores = step({
  id: 'data.open-stores',
  phase: 'data',
  name: 'Open the way from the source',
  async check({ migration }) {
    return migration.report.stores.some((store) => store.carrier === 'live')
      ? 'todo'
      : { skip: 'nothing is carried live' };
  },
  async run(ctx) {
    for (const store of ctx.migration.report.stores.filter(({ carrier }) => carrier === 'live')) {
      await ctx.source.source.openStore({ ...atSource(ctx), store: store.name });
      ctx.log(`${store.name} can be followed`);
    }
  },
  verify: async () => {},
  undo: async (ctx) => void (await ctx.source.source.close(atSource(ctx))),
});
