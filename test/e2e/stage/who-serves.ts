import { expect } from 'vitest';
import type { Visitors } from '../../../examples/shop/visitors/index.js';
import { waitFor } from '../../support/wait-for.ts';
import { areServed } from './followed-shop.ts';
import type { Region } from './region.ts';
import { closeTheLedger, type Expected } from './shop.ts';
import type { Stage } from './stage.ts';

const app = 'shop';

/** The end where the app has moved: east alone is active, west forwards to it, and nothing was lost, doubled or refused. */
export async function eastServes(stage: Stage, visitors: Visitors, expected?: Expected): Promise<void> {
  const there = await stage.api.apps.get({ app, region: 'east' });
  const here = await stage.api.apps.get({ app, region: 'west' });
  expect(there).toMatchObject({ role: 'active', gate: 'serve', epoch: 1, lockedBy: null });
  // Locked for as long as there is a way back: what is changed there would be changed on a copy.
  expect(here).toMatchObject({ role: 'passive', gate: 'forward', epoch: 1, lockedBy: expect.any(String) });
  await areServed(visitors);
  await worksIn(stage, stage.east);
  expect(await working(stage, stage.west)).toEqual([]);
  const summary = await closeTheLedger(visitors, stage.east, expected);
  expect(summary.servedBy.east).toBeGreaterThan(0);
}

/** The end where it has stayed: west serves as before, and nothing of the app is left in east. */
export async function westServesAlone(stage: Stage, visitors: Visitors, expected?: Expected): Promise<void> {
  await westServes(stage, visitors);
  expect((await stage.api.apps.list({})).map(({ name, region }) => ({ name, region }))).toEqual([
    { name: app, region: 'west' },
  ]);
  expect(await stage.api.apps.get({ app, region: 'west' })).toMatchObject({ lockedBy: null });
  await closeTheLedger(visitors, stage.west, expected);
}

/** Before the switch, whatever has been done for it: west serves, workers too, and nobody has seen an error. */
export async function westServes(stage: Stage, visitors: Visitors): Promise<void> {
  expect(await stage.api.apps.get({ app, region: 'west' })).toMatchObject({ role: 'active', gate: 'serve', epoch: 0 });
  await areServed(visitors);
  await worksIn(stage, stage.west);
  expect(visitors.summary().failures).toEqual([]);
}

async function worksIn(stage: Stage, region: Region): Promise<void> {
  await waitFor(async () => (await working(stage, region)).includes('worker running'), {
    timeout: 20_000,
    what: `a worker in ${region.name}`,
  });
}

/** Workers and schedules that there are. */
const working = async (stage: Stage, { name }: Region): Promise<string[]> =>
  (await stage.api.apps.processes({ app, region: name }))
    .filter(({ type }) => type !== 'web')
    .map(({ type, state }) => `${type} ${state}`);
