import { expect } from 'vitest';
import type { Visitors } from '../../../examples/shop/visitors/index.js';
import type { Gate, GateState } from '../../../src/protocol/gate.ts';
import { waitFor } from '../../support/wait-for.ts';
import { create, type MoveOptions, through } from './move.ts';
import type { Region } from './region.ts';
import { openShop, visit } from './shop.ts';
import { Stage, type StageOptions } from './stage.ts';

export interface FollowedShop {
  stage: Stage;
  visitors: Visitors;
  /** Of the migration from west to east, which is `data-migrated`. */
  id: string;
}

/** The shop in west with its visitors, in sync in east: one `finalize` away from the switch. */
export async function followedShop(options: StageOptions = {}, move: MoveOptions = {}): Promise<FollowedShop> {
  const stage = await Stage.set(options);
  const visitors = await visitedShop(stage);
  const { id, status, report } = await create(stage, move);
  expect(status, JSON.stringify(report.checks)).toBe('preflight-success');
  const migration = await through(stage, id, 'prepare', 'data');
  expect(migration.status, JSON.stringify(migration.steps.at(-1))).toBe('data-migrated');
  return { stage, visitors, id };
}

/** The shop in west, with visitors who have been served. */
export async function visitedShop(stage: Stage, change?: (folder: string) => void): Promise<Visitors> {
  await openShop(stage, stage.west, change);
  const visitors = visit(stage.west);
  await areServed(visitors, 50);
  return visitors;
}

/** Waits until so many more requests were answered. */
export async function areServed(visitors: Visitors, more = 30): Promise<void> {
  const before = answered(visitors);
  await waitFor(() => answered(visitors) >= before + more, { timeout: 30_000, what: `${more} more answers` });
}

const answered = (visitors: Visitors) => {
  const { requests, failed } = visitors.summary();
  return requests - failed;
};

export const gateOf = (region: Region): Promise<Gate> =>
  region.router(async (router) => (await router.status()).gates.find(({ gate }) => gate.app === 'shop')!.gate);

export async function whenGate(region: Region, state: GateState): Promise<void> {
  await region.router((router) =>
    waitFor(async () => (await router.status()).gates.find(({ gate }) => gate.app === 'shop')?.gate.state === state, {
      timeout: 30_000,
      every: 5,
      what: `the gate of ${region.name} to ${state}`,
    }),
  );
}
