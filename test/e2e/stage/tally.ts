import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { runStorky } from '../../support/spawned.ts';
import { redisAt } from '../../tally/place.ts';
import { prepareTally } from '../../tally/prepare.ts';
import { judgeTally, type TallyVerdict } from '../../tally/verdict.ts';
import { Tallying, type TallyingOptions } from '../../tally/visitors.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** Applies the app with every kind of store, as a user would. */
export async function openTally(stage: Stage, region: Region, change = (_manifest: string) => {}): Promise<void> {
  const manifest = prepareTally(join(stage.folder, 'tally'));
  change(manifest);
  const apply = ['--region', region.name, 'apply', '-f', manifest, '--yes'];
  const { code, output } = await runStorky(apply, { env: stage.env });
  expect(code, output).toBe(0);
}

/** Its visitors, through the region's router; they leave with the test. */
export function visitTally(region: Region, options?: TallyingOptions): Tallying {
  const tallying = new Tallying(region.url, options);
  onTestFinished(() => tallying.stop());
  return tallying;
}

/** Each acknowledged id is in every store of the region that serves, once, its job was done once, and every effect has its cause. */
export async function closeTheTally(tallying: Tallying, servedBy: Region): Promise<TallyVerdict> {
  await tallying.stop();
  expect(tallying.failures).toEqual([]);
  expect(tallying.misread).toEqual([]);
  const verdict = await judgeTally(tallying.acknowledged, servedBy.folder, { final: true });
  expect(verdict).toMatchObject({ ok: true, lost: [], duplicated: [], orphans: [] });
  expect(verdict.acknowledged).toBeGreaterThan(0);
  return verdict;
}

/** As the app. */
export const redisOf = (region: Region) =>
  redisAt(region.document('tally').instances.find(({ engine }) => engine === 'redis')!);
