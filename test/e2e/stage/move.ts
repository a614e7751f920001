import type { Carrier, Migration } from '../../../src/protocol/migration.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Stage } from './stage.ts';

type RunnablePhase = 'preflight' | 'prepare' | 'data' | 'finalize' | 'verify' | 'abort' | 'rollback' | 'complete';
const app = 'shop';

export interface MoveOptions {
  from?: string;
  to?: string;
  carriers?: Record<string, Carrier>;
  dstAppName?: string;
  budgetMs?: number;
  copyLimit?: number;
}

/** Creates the migration and waits for its preflight. */
export async function create(
  stage: Stage,
  { from = 'west', to = 'east', ...options }: MoveOptions = {},
): Promise<Migration> {
  const { id } = await stage.api.migrations.create({ app, from, destination: to, ...options });
  return await atRest(stage, id);
}

export async function run(
  stage: Stage,
  id: string,
  step: RunnablePhase,
  options: number | { budgetMs?: number; leave?: string[] } = {},
): Promise<Migration> {
  const asked = typeof options === 'number' ? { budgetMs: options } : options;
  await stage.api.migrations.run({ app, id, step, ...asked });
  return await atRest(stage, id);
}

/** Runs the phases in order and stops where one does not end well. */
export async function through(stage: Stage, id: string, ...phases: RunnablePhase[]): Promise<Migration> {
  let migration = await show(stage, id);
  for (const phase of phases) migration = await run(stage, id, phase);
  return migration;
}

export const show = (stage: Stage, id: string): Promise<Migration> => stage.api.migrations.show({ app, id });

/** Looks until no phase runs; a server that is away meanwhile is waited for. */
export async function atRest(stage: Stage, id: string, timeout = 120_000): Promise<Migration> {
  const moving = ['created', 'running', 'aborting', 'rolling-back'];
  return await waitFor(
    async () => {
      const migration = await show(stage, id).catch(() => undefined);
      return migration && !moving.includes(migration.status) ? migration : undefined;
    },
    { timeout, every: 100, what: `migration ${id} to rest` },
  ).catch(async (error: Error) => {
    const { status, steps } = await show(stage, id);
    throw new Error(
      `${error.message}: it is ${status}, ${JSON.stringify(steps.findLast((step) => step.status === 'running'))}`,
    );
  });
}

/** Waits until a step of the migration is in the given state: the moment for a disaster. */
export async function whenStep(
  stage: Stage,
  id: string,
  step: string,
  status: 'running' | 'done' = 'running',
): Promise<void> {
  await waitFor(
    async () =>
      (await show(stage, id)).steps.some((row) => row.id === step && (row.status === status || row.status === 'done')),
    { timeout: 60_000, every: 10, what: `step ${step}` },
  );
}
