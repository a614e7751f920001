import type { ControlClient } from '../../src/cli/connection/client.ts';
import { statusAfter } from '../../src/control/migrations/status.ts';
import { type Migration, type MigrationStep, type Phase, restingStatuses } from '../../src/protocol/migration.ts';
import { waitFor } from '../support/wait-for.ts';

const app = 'tally';
/** A phase may copy everything anew. Milliseconds. */
const patienceMs = 600_000;

/** The moves of the tally, phase by phase, each waited for. */
export class Moves {
  readonly #api: ControlClient;

  constructor(api: ControlClient) {
    this.#api = api;
  }

  async create(from: string, destination: string): Promise<Migration> {
    const { id } = await this.#api.migrations.create({ app, from, destination });
    return await this.atRest(id);
  }

  /** Stops where one does not end well: at the error that says so. */
  async through(id: string, ...phases: Phase[]): Promise<Migration> {
    let migration = await this.atRest(id);
    for (const phase of phases) {
      migration = await this.run(id, phase);
      if (failureOf(migration, phase)) break;
    }
    return migration;
  }

  async run(id: string, step: Phase): Promise<Migration> {
    await this.#api.migrations.run({ app, id, step });
    return await this.atRest(id);
  }

  /** The moment for what a test has in mind; also when the phase ends without it. */
  async whenStep(id: string, step: string, status: MigrationStep['status']): Promise<void> {
    const look = async () => {
      const migration = await this.#api.migrations.show({ app, id });
      const known = migration.steps.find((row) => row.id === step);
      return known?.status === status || restingStatuses.includes(migration.status);
    };
    await waitFor(look, { timeout: patienceMs, every: 20, what: `step ${step}` });
  }

  async atRest(id: string): Promise<Migration> {
    const look = async () => {
      const migration = await this.#api.migrations.show({ app, id });
      return restingStatuses.includes(migration.status) ? migration : undefined;
    };
    return await waitFor(look, { timeout: patienceMs, every: 100, what: `migration ${id} to rest` });
  }
}

/** Why the phase, which is over, did not end well; undefined where it did. A phase that is taken back keeps its failed step. */
export function failureOf({ steps, report, status }: Migration, phase: Phase): string | undefined {
  if (status === statusAfter(phase)) return undefined;
  const newest = steps
    .filter((step) => step.status === 'error')
    .toSorted((a, b) => (a.finishedAt ?? '').localeCompare(b.finishedAt ?? ''))
    .at(-1);
  const checks = report.checks.filter(({ verdict }) => verdict === 'fail').map(({ id, detail }) => `${id}: ${detail}`);
  return `${status}; ${[...checks, newest && `${newest.id}: ${newest.logs?.trim()}`].filter(Boolean).join('; ')}`;
}
