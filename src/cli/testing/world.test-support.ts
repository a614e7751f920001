import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppRecord, type AppView } from '../../protocol/app-record/record.ts';
import type { RegionView } from '../../protocol/control-contract.ts';
import { type Migration, type MigrationStatus, type Phase, restingStatuses } from '../../protocol/migration.ts';
import { newMigration, newStep } from './migration.test-support.ts';
import { addSwitch } from './switches.test-support.ts';

/** What the test server knows and how its migrations go. Tests change it as they like. */
export class World {
  readonly regions: RegionView[] = [region('osc-fr1', '203.0.113.10'), region('osc-secnum-fr1', '203.0.113.20')];
  readonly apps: AppView[] = [];
  readonly migrations: Migration[] = [];
  readonly builds = new Set<string>();
  readonly calls: { name: string; input: unknown }[] = [];
  /** How a phase ends, where it is not in success. */
  readonly endings: Partial<Record<Phase, (migration: Migration) => void>> = {};
  /** Another command comes first. */
  beforeRun: ((migration: Migration) => void) | undefined;
  /** The next watches are cut off after their first event. */
  cutWatches = 0;
  /** Milliseconds between two changes of a running phase. */
  pace = 2;
  readonly #changed = new EventEmitter();

  addApp(record: { name: string } & Record<string, unknown>, at = 'osc-fr1'): AppView {
    const view = appView(AppRecord.parse(record), at);
    this.apps.push(view);
    return view;
  }

  addMigration(change: Partial<Migration> = {}): Migration {
    const migration = { ...newMigration(), ...change };
    this.migrations.push(migration);
    return migration;
  }

  change(migration: Migration, change: (migration: Migration) => void): void {
    change(migration);
    this.#changed.emit(migration.id);
  }

  /** Plays a phase of two steps, then its ending. */
  async play(migration: Migration, phase: Phase): Promise<void> {
    for (const name of stepsOf[phase] ?? []) {
      await sleep(this.pace);
      const step = newStep(phase, name);
      this.change(migration, (m) => void m.steps.push(step));
      await sleep(this.pace);
      this.change(migration, () => Object.assign(step, { status: 'done', finishedAt: new Date().toISOString() }));
    }
    await sleep(this.pace);
    this.change(migration, this.endings[phase] ?? ((m) => succeed(m, phase)));
  }

  async *watch(migration: Migration): AsyncGenerator<Migration> {
    const changes = on(this.#changed, migration.id);
    try {
      yield* this.#changesOf(migration, changes);
    } finally {
      await changes.return?.();
    }
  }

  async *#changesOf(migration: Migration, changes: AsyncIterable<unknown>): AsyncGenerator<Migration> {
    yield structuredClone(migration);
    if (this.cutWatches > 0) {
      this.cutWatches -= 1;
      throw new Error('cut');
    }
    if (restingStatuses.includes(migration.status)) return;
    for await (const _ of changes) {
      yield structuredClone(migration);
      if (restingStatuses.includes(migration.status)) return;
    }
  }
}

const stepsOf: Partial<Record<Phase, string[]>> = {
  preflight: ['Check the name', 'Preflight checks'],
  prepare: ['Lock the app', 'Import environment'],
  data: ['Copy db', 'Verify db'],
  finalize: ['Switch'],
  abort: ['Abort: Delete new app', 'Restore app status'],
  rollback: ['Switch back', 'Keep the other side current'],
  complete: ['End the way back'],
};

const leadsTo: Partial<Record<Phase, MigrationStatus>> = {
  preflight: 'preflight-success',
  prepare: 'prepared',
  data: 'data-migrated',
  finalize: 'done',
  abort: 'aborted',
  rollback: 'rolled-back',
  complete: 'completed',
};

function succeed(migration: Migration, phase: Phase): void {
  migration.status = leadsTo[phase]!;
  migration.finishedAt = new Date().toISOString();
  migration.failedPhase = null;
  if (phase === 'preflight') Object.assign(migration.report, preflightReport);
  if (phase === 'finalize' || phase === 'rollback') addSwitch(migration);
  if (phase === 'complete') Object.assign(migration.report.wayBack ?? {}, { open: false, reason: 'it was ended' });
}

/** For endings: the phase's newest step fails. */
export function fail(phase: Phase, detail: string) {
  return (migration: Migration) => {
    Object.assign(migration.steps.at(-1)!, { status: 'error', logs: detail });
    migration.status = phase === 'preflight' ? 'preflight-error' : 'error';
    migration.failedPhase = phase;
  };
}

const preflightReport: Partial<Migration['report']> = {
  checks: [
    { id: 'name', name: 'Name is free', verdict: 'pass', detail: 'shop is free in osc-secnum-fr1', remedy: null },
    {
      id: 'tls',
      name: 'Certificates',
      verdict: 'warn',
      detail: 'one ends in 9 days',
      remedy: 'Renew it before the move.',
    },
  ],
  notMoved: ['the log drain of the database'],
  predictedFreezeMs: 42,
};

function appView(record: AppRecord, at: string): AppView {
  const gate = { lockedBy: null, epoch: 1, role: 'active', gate: 'serve' } as const;
  const abroad = { remote: [], lent: [] };
  return {
    id: randomUUID(),
    name: record.name,
    region: at,
    status: 'running',
    url: `http://${record.name}.${at}.test`,
    record,
    ...gate,
    ...abroad,
  };
}

function region(name: string, host: string): RegionView {
  return {
    name,
    status: 'reachable',
    address: { region: name, host, port: 7700, ingressPort: 7701 },
    info: null,
    detail: null,
    ssh: null,
  };
}
