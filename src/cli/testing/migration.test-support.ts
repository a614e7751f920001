import { randomUUID } from 'node:crypto';
import type { Migration, MigrationStep, Phase } from '../../protocol/migration.ts';

export function newStep(phase: Phase, name: string): MigrationStep {
  const startedAt = new Date().toISOString();
  return { id: randomUUID(), phase, name, status: 'running', startedAt, finishedAt: null, progress: null, logs: null };
}

export function newMigration(): Migration {
  return {
    id: randomUUID(),
    srcAppName: 'shop',
    dstAppName: 'shop',
    appId: 'a1',
    newAppId: null,
    source: 'osc-fr1',
    destination: 'osc-secnum-fr1',
    status: 'created',
    failedPhase: null,
    carriers: {},
    budgetMs: 10_000,
    withoutWayBack: false,
    copyLimit: null,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    steps: [],
    report: {
      checks: [],
      notMoved: [],
      predictedFreezeMs: null,
      stores: [],
      switches: [],
      previewUrl: null,
      wayBack: null,
      pressure: null,
      stoodStill: null,
    },
  };
}
