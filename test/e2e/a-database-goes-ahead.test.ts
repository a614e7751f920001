import { expect, it } from 'vitest';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { run } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';

it('the app goes back and leaves its database there; later it follows, and finds it without a copy: nothing lost, nobody sees an error', async () => {
  const { stage, visitors, id } = await followedShop();
  const { east, west } = stage;
  const app = (region: string) => stage.api.apps.get({ app: 'shop', region });
  await expect(run(stage, id, 'finalize', { leave: ['db'] })).rejects.toMatchObject({ code: 'bad_request' });
  await switches('finalize', 'done');
  await expect(run(stage, id, 'rollback', { leave: ['uploads'] })).rejects.toMatchObject({ code: 'bad_request' });

  await switches('rollback', 'rolled-back', ['db']);
  expect(await app('west')).toMatchObject({
    role: 'active',
    remote: [{ addon: 'db', region: 'east', app: 'shop' }],
  });
  expect(await app('east')).toMatchObject({ role: 'passive', lent: [{ addon: 'db', region: 'west', app: 'shop' }] });

  const there = await switches('finalize', 'done');
  expect(Object.keys(there.report.switches.at(-1)!.stores), 'only the files had to come').toEqual(['uploads']);
  await switches('rollback', 'rolled-back');
  expect((await run(stage, id, 'complete')).status).toBe('completed');
  await areServed(visitors, 60);

  expect(await app('west')).toMatchObject({ role: 'active', remote: [{ addon: 'db', region: 'east' }], lent: [] });
  await expect(stage.api.apps.remove({ app: 'shop', region: 'east' })).rejects.toMatchObject({ code: 'addon_lent' });
  // The agents find all of it again, and do not take the old copy for the database.
  await Promise.all([west.restartAgent(), east.restartAgent()]);
  expect(await app('west')).toMatchObject({ remote: [{ addon: 'db', region: 'east' }] });
  await closeTheLedger(visitors, { database: east, files: west }, { failed: Number.POSITIVE_INFINITY });

  async function switches(step: 'finalize' | 'rollback', ends: string, leave: string[] = []) {
    const migration = await run(stage, id, step, { leave });
    expect(migration.status, JSON.stringify(migration.steps.findLast((row) => row.status === 'error'))).toBe(ends);
    expect(migration.report.wayBack).toMatchObject({ open: true });
    await areServed(visitors, 60);
    expect(visitors.summary().failures).toEqual([]);
    return migration;
  }
});
