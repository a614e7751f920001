import { setTimeout as sleep } from 'node:timers/promises';
import { StorkyError } from '../../../protocol/errors.ts';
import type { StoreReport } from '../../../protocol/migration.ts';
import { bringsData } from '../../carriers.ts';
import { atTarget } from '../../moving.ts';
import { type StepContext, step } from '../../step.ts';

const lookEveryMs = 400;
const arrived = (store: StoreReport): boolean => store.stage === 'in-sync' || store.stage === 'switched';

/** All stores at once. The work is the target agent's and goes on without us; this step starts it and looks on. */
export const carry = step({
  id: 'data.carry',
  phase: 'data',
  name: 'Copy, follow and compare the data',
  async check({ migration }) {
    return migration.report.stores.some(bringsData) ? 'todo' : { skip: 'nothing is carried live or by backup' };
  },
  async run(ctx) {
    await ctx.target.target.limit({ ...atTarget(ctx), copyLimit: ctx.migration.copyLimit ?? null });
    for (const store of ctx.migration.report.stores.filter(bringsData)) {
      await ctx.target.target.carry({ ...atTarget(ctx), store: store.name, carrier: store.carrier });
    }
    for (let stores = await look(ctx); !stores.every(arrived); stores = await look(ctx)) {
      const failed = stores.find((store) => store.stage === 'failed');
      if (failed) throw new StorkyError('step_failed', { step: `Carrying ${failed.name}`, detail: failed.detail });
      await sleep(lookEveryMs, undefined, { signal: ctx.signal });
    }
  },
  async verify(ctx) {
    const different = (await look(ctx)).find((store) => store.differences > 0);
    if (different) throw new StorkyError('verification_failed', { store: different.name, detail: different.detail });
  },
  async undo(ctx) {
    for (const store of ctx.migration.report.stores.filter(bringsData))
      await ctx.target.target.stopCarrying({ ...atTarget(ctx), store: store.name });
    await ctx.target.target.close(atTarget(ctx));
  },
});

async function look(ctx: StepContext): Promise<StoreReport[]> {
  const [known, pressure] = await Promise.all([
    ctx.target.target.stores(atTarget(ctx)),
    ctx.target.target.pressure(atTarget(ctx)),
  ]);
  // By the migration's own list: a store that the target does not know of has not arrived.
  const stores = ctx.migration.report.stores
    .filter(bringsData)
    .map((wanted) => ({ ...wanted, ...known.find((store) => store.name === wanted.name) }));
  await ctx.report((report) => {
    report.pressure = pressure;
    report.stores = report.stores.map((known) => stores.find((store) => store.name === known.name) ?? known);
  });
  const moving = stores.filter((store) => !arrived(store));
  const sums = stores.map((store) => store.progress).filter((progress) => progress?.unit === 'bytes');
  const total = sums.reduce((sum, progress) => sum + (progress!.total ?? progress!.done), 0);
  ctx.progress({
    done: sums.reduce((sum, progress) => sum + progress!.done, 0),
    total: total || null,
    unit: 'bytes',
    note: moving.map((store) => `${store.name} ${store.stage}`).join(', ') || 'in sync',
  });
  return stores;
}
