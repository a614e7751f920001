import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { MigrationReport } from '../protocol/migration.ts';
import type { StepContext } from './step.ts';
import { stopSource } from './steps/3-data/01-stop-source.ts';
import { performSwitch } from './steps/4-switch/06-switch.ts';

/** The regions answer; how long the app stood still is ours to measure. */
function context(outcome: 'switched' | 'backed-out' = 'switched') {
  const report = { stores: [], switches: [], stoodStill: null } as unknown as MigrationReport;
  const nothing = async () => ({});
  const ctx = {
    migration: { id: 'm', srcAppName: 'shop', dstAppName: 'shop', budgetMs: 1_000, report },
    source: {
      source: {
        ...{ stopApp: nothing, startApp: nothing, resume: nothing, ready: nothing },
        switching: async () => ({ running: false }),
        epoch: async () => ({ role: 'active', epoch: 0 }),
        switch: async () => ({ epoch: 1, outcome, reason: 'slow', freezeMs: 1, held: 0, longestWaitMs: 0 }),
      },
    },
    target: { target: { rehearse: async () => ({ roundTripMs: 1 }) } },
    report: async (change: (report: MigrationReport) => void) => change(report),
    log: () => {},
  } as unknown as StepContext;
  return { ctx, report };
}

const undone = (ctx: StepContext) => (stopSource.undo as (ctx: StepContext) => Promise<void>)(ctx);

test('how long the app stood still for its backup is counted from its first stop to the switch', async () => {
  const { ctx, report } = context();
  await stopSource.run(ctx);
  const { since } = report.stoodStill!;
  await sleep(30);
  await stopSource.run(ctx);
  expect(report.stoodStill).toEqual({ since, ms: null });
  await performSwitch('finalize').run(ctx);
  const { ms } = report.stoodStill!;
  expect(ms).toBeGreaterThanOrEqual(29);
  expect(ms).toBeLessThanOrEqual(Date.now() - Date.parse(since));
});

test('a switch that backs out leaves it standing still, and an abort ends it', async () => {
  const { ctx, report } = context('backed-out');
  await stopSource.run(ctx);
  await expect(performSwitch('finalize').run(ctx)).rejects.toMatchObject({ code: 'switch_backed_out' });
  expect(report.stoodStill!.ms).toBeNull();
  await undone(ctx);
  expect(report.stoodStill!.ms).toEqual(expect.any(Number));
});

test('nothing is said of an app that was never stopped', async () => {
  const { ctx, report } = context();
  await performSwitch('finalize').run(ctx);
  await undone(ctx);
  expect(report.stoodStill).toBeNull();
});
