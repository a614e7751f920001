import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { run } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';

const app = 'shop';

it('what a preview has written to a file tree is found before anything is held; the source serves on', async () => {
  const { stage, visitors, id } = await followedShop();
  writeFileSync(join(stage.east.treeFolder(app, 'uploads'), 'by-the-preview'), 'nobody uploaded this');
  const refused = await run(stage, id, 'finalize');
  expect([refused.status, refused.report.switches]).toEqual(['data-migrated', []]);
  const checked = refused.steps.find((step) => step.id === 'finalize.check-again')!;
  expect(checked).toMatchObject({ status: 'error', logs: expect.stringContaining('by-the-preview') });
  await areServed(visitors);
  expect((await run(stage, id, 'abort')).status).toBe('aborted');
  await closeTheLedger(visitors, stage.west);
});
