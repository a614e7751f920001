import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { grow } from './stage/database.ts';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { run, show } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';
import { fillDisk, smallDisk } from './stage/small-disk.ts';

it('before what is kept for a side that is away fills the disk, the way back is given up, and the app goes on', async () => {
  const { stage, visitors, id } = await followedShop({ region: smallDisk('east', 900) });
  const { west, east } = stage;
  expect((await run(stage, id, 'finalize', 10_000)).status).toBe('done');
  await west.killAgent();
  await grow(east.databaseUrl('shop', 'admin'), 100);
  const others = fillDisk(east.folder, 90);
  const given = await waitFor(
    async () => {
      const { wayBack } = (await show(stage, id)).report;
      return wayBack!.open ? undefined : wayBack;
    },
    { timeout: 40_000, every: 500, what: 'the way back to be given up' },
  );
  others.free();
  expect(given.reason).toMatch(/were kept for it, and .* were free: the disk of east/);
  await areServed(visitors);
  await west.startAgent();
  await expect(run(stage, id, 'rollback')).rejects.toMatchObject({
    code: 'wrong_phase',
    remedy: expect.stringContaining('There is no way back: '),
  });
  await run(stage, id, 'complete');
  await closeTheLedger(visitors, east);
});
