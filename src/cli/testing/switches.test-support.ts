import type { Migration, MigrationStatus, StoreReport, SwitchReport } from '../../protocol/migration.ts';
import { newMigration } from './migration.test-support.ts';

/** For endings: the switch gives up, and everything is as it was before the phase. */
export function backOut(phase: 'finalize' | 'rollback', status: MigrationStatus) {
  return (migration: Migration) => {
    const reason = 'the budget of 10 s was exceeded';
    migration.report.switches.push({ ...switchReport(migration), outcome: 'backed-out', reason });
    Object.assign(migration, { status, failedPhase: phase });
  };
}

/** A migration that has made so many switches, with its way back open. */
export function switched(times: number, change: Partial<Migration> = {}): Partial<Migration> {
  const migration = { ...newMigration(), ...change };
  for (let i = 0; i < times; i++) addSwitch(migration);
  return { ...migration, status: change.status ?? (times % 2 ? 'done' : 'rolled-back') };
}

/** As the server reports it: the side that was left follows, unless that was not wanted. */
export function addSwitch(migration: Migration): void {
  const { report } = migration;
  report.switches.push(switchReport(migration));
  report.stores = structuredClone(copied);
  const following = copied.map((store) => ({ ...store, stage: 'in-sync' as const, lagBytes: 1_200, lagMs: 30 }));
  const kept = { retainedBytes: 24_000_000, diskFreeBytes: 80_000_000_000 };
  const open = { open: true, reason: null, since: '2026-01-02T03:04:05.000Z', stores: following, ...kept };
  const none = { open: false, reason: 'the switch was wanted without one', since: null, stores: [] };
  report.wayBack = {
    epoch: report.switches.at(-1)!.epoch + 1,
    ...(migration.withoutWayBack ? { ...none, retainedBytes: null, diskFreeBytes: null } : open),
  };
}

/** Each has its own number of held requests, so that tests can tell them apart. */
const switchReport = ({ report }: Migration): SwitchReport => ({
  epoch: report.switches.length + 2,
  outcome: 'switched',
  reason: null,
  freezeMs: 41.6,
  timings: {},
  held: 52 + report.switches.length,
  longestWaitMs: 61,
  refused: 0,
  stores: {},
});

const copiedStore: StoreReport = {
  name: 'db',
  kind: 'database',
  carrier: 'live',
  stage: 'switched',
  progress: null,
  lagBytes: 0,
  lagMs: 0,
  bytesCopied: 1_500_000,
  rowsCompared: 12_345,
  filesCompared: 0,
  differences: 0,
  detail: '',
};
const copied: StoreReport[] = [
  copiedStore,
  { ...copiedStore, name: 'uploads', kind: 'files', rowsCompared: 0, filesCompared: 67 },
];
