import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { checkLedger, type Summary, startVisitors, type Visitors } from '../../../examples/shop/visitors/index.js';
import { copyOfShop } from '../../support/shop.ts';
import { runStorky } from '../../support/spawned.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** Applies the shop to the region, as a user would; `change` is what the test has the shop's folder say instead. */
export async function openShop(stage: Stage, region: Region, change = (_folder: string) => {}): Promise<void> {
  // A copy of its own: two tests that build in one folder would meet.
  const folder = copyOfShop(join(stage.folder, 'shop'));
  change(folder);
  const manifest = join(folder, 'storky.yaml');
  const { code, output } = await runStorky(['--region', region.name, 'apply', '-f', manifest, '--yes'], {
    env: stage.env,
  });
  expect(code, output).toBe(0);
}

/** Visitors of the shop, through the region's router; they leave with the test. */
export function visit(region: Region, rate = 60): Visitors {
  const visitors = startVisitors({
    url: region.url,
    hostHeader: 'shop.localhost',
    rate,
    connections: 24,
    webSockets: 2,
  });
  onTestFinished(() => void visitors.stop());
  return visitors;
}

export interface Expected {
  /** Requests that may have failed, for a disaster that takes a whole machine with it. Default 0. */
  failed?: number;
}

/** Where the two stores are, when they are not in one region. */
interface Places {
  database: Region;
  files: Region;
}

/** The end of every disaster: each acknowledged write is there, exactly once, where the app is served. */
export async function closeTheLedger(
  visitors: Visitors,
  servedBy: Region | Places,
  { failed = 0 }: Expected = {},
): Promise<Summary> {
  const summary = await visitors.stop();
  const { database, files } = 'database' in servedBy ? servedBy : { database: servedBy, files: servedBy };
  const place = {
    databaseUrl: database.databaseUrl('shop', 'admin'),
    uploadsFolder: files.treeFolder('shop', 'uploads'),
  };
  const verdict = await checkLedger(visitors.ledger(), place);
  expect({
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    workers: verdict.overlappingWorkers,
    seen: summary.lost,
  }).toEqual({ lost: [], duplicated: [], workers: [], seen: [] });
  expect(summary.failed, JSON.stringify(summary.failures)).toBeLessThanOrEqual(failed);
  expect(verdict.acknowledged).toBeGreaterThan(0);
  return summary;
}
