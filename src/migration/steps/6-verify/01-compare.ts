import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreReport } from '../../../protocol/migration.ts';
import { atTarget } from '../../moving.ts';
import { type StepContext, step } from '../../step.ts';

const lookEveryMs = 1_000;

/** Every copy that is followed, at a known position, while both sides go on. Changes nothing. */
export const compareAll = step({
  id: 'verify.compare',
  phase: 'verify',
  name: ({ source, destination }) => `Compare ${destination} with ${source}`,
  async check({ migration }) {
    const live = migration.report.stores.some(({ carrier }) => carrier === 'live');
    return live ? 'todo' : { skip: 'nothing is followed live' };
  },
  async run(ctx) {
    for (const { name, kind, carrier } of ctx.migration.report.stores) {
      if (carrier !== 'live') continue;
      const items = await compare(ctx, name, kind);
      const { rowsCompared, filesCompared } = counted(kind, items);
      ctx.log(`${name}: ${items} ${kind === 'files' ? 'files' : 'rows'} are the same on both sides`);
      await ctx.report((report) => {
        const store = report.stores.find((known) => known.name === name);
        if (store) Object.assign(store, { rowsCompared, filesCompared, differences: 0 });
      });
    }
  },
  verify: async () => {},
  undo: async () => {},
});

/** How far it is, the target's report tells meanwhile. */
async function compare(ctx: StepContext, name: string, kind: StoreReport['kind']): Promise<number> {
  ctx.progress({ done: 0, total: null, unit: kind === 'files' ? 'files' : 'rows', note: name });
  const over = new AbortController();
  const watched = watch(ctx, name, AbortSignal.any([over.signal, ctx.signal])).catch(() => {});
  try {
    return (await ctx.target.target.verify({ ...atTarget(ctx), store: name })).items;
  } finally {
    over.abort();
    await watched;
  }
}

async function watch(ctx: StepContext, name: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal });
    const stores = await ctx.target.target.stores(atTarget(ctx)).catch(() => []);
    const progress = stores.find((store) => store.name === name)?.progress;
    if (progress && !signal.aborted) ctx.progress({ ...progress, note: `${name} ${progress.note}` });
  }
}

const counted = (kind: StoreReport['kind'], items: number) =>
  kind === 'files' ? { rowsCompared: 0, filesCompared: items } : { rowsCompared: items, filesCompared: 0 };
