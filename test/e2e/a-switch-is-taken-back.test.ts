import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { sql } from './stage/database.ts';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { run, show } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger } from './stage/shop.ts';
import type { Stage } from './stage/stage.ts';

it('there and back and there again, under load: nothing lost, nobody sees an error; then it is ended', async () => {
  const { stage, visitors, id } = await followedShop();
  const { east, west } = stage;
  await switches('finalize', east, west, 1);
  await strayIsTold(stage, id);
  await expect(stage.api.apps.remove({ app: 'shop', region: 'east' })).rejects.toMatchObject({ code: 'way_back_open' });
  await switches('rollback', west, east, 2);
  await switches('finalize', east, west, 3);
  await switches('rollback', west, east, 4);

  await expect(run(stage, id, 'abort')).rejects.toMatchObject({ code: 'wrong_phase' });
  const { status, report } = await run(stage, id, 'complete');
  expect(status).toBe('completed');
  expect(report.wayBack).toMatchObject({ open: false });
  expect(await stage.api.apps.get({ app: 'shop', region: 'west' })).toMatchObject({ lockedBy: null });
  const summary = await closeTheLedger(visitors, west);
  expect(summary.servedBy.east).toBeGreaterThan(0);

  async function switches(step: 'finalize' | 'rollback', to: Region, from: Region, epoch: number): Promise<void> {
    const { status, steps, report } = await run(stage, id, step, 10_000);
    expect(status, JSON.stringify(steps.findLast((row) => row.status === 'error'))).toBe(
      step === 'finalize' ? 'done' : 'rolled-back',
    );
    expect(report.switches.at(-1)).toMatchObject({ epoch, outcome: 'switched', refused: 0 });
    expect(await stage.api.apps.get({ app: 'shop', region: to.name })).toMatchObject({ role: 'active', epoch });
    expect(await stage.api.apps.get({ app: 'shop', region: from.name })).toMatchObject({
      role: 'passive',
      gate: 'forward',
      lockedBy: id,
    });
    await areServed(visitors, 100);
    expect(visitors.summary().failures).toEqual([]);
    await followsBack(stage, id);
    const verified = await run(stage, id, 'verify');
    expect(verified).toMatchObject({ status: step === 'finalize' ? 'done' : 'rolled-back', failedPhase: null });
    expect(verified.report.stores.find(({ name }) => name === 'db')!.rowsCompared).toBeGreaterThan(0);
  }
});

/** Invariant 6: refused, and told by whom it was tried and from where. */
async function strayIsTold(stage: Stage, id: string): Promise<void> {
  await expect(sql(stage.west.databaseUrl('shop'), 'SELECT 1')).rejects.toThrow(/not permitted to log in/);
  const strays = async () => (await show(stage, id)).report.wayBack!.stores.find(({ name }) => name === 'db')!.strays;
  await waitFor(async () => (await strays())?.length, { timeout: 30_000, what: 'the word of a stray' });
  expect(await strays()).toEqual([expect.objectContaining({ who: 'shop_db', from: '127.0.0.1', count: 1 })]);
}

async function followsBack(stage: Stage, id: string): Promise<void> {
  const { report } = await show(stage, id);
  expect(report.wayBack).toMatchObject({ open: true, reason: null });
  expect(report.wayBack!.stores.map(({ name, stage }) => `${name} ${stage}`).sort()).toEqual([
    'db in-sync',
    'uploads in-sync',
  ]);
}
