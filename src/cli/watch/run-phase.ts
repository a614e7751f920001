import type { z } from 'zod';
import type { RunnablePhase as Runnable } from '../../protocol/control-contract.ts';
import type { Migration, StoreReport } from '../../protocol/migration.ts';
import { type Context, say } from '../context.ts';
import { confirm } from '../show/confirm.ts';
import { header } from './block.ts';
import { abortCommand, phaseCommand } from './next.ts';
import type { Screen } from './screen.ts';
import { summaryOf } from './summary.ts';
import { watch, watchOn } from './watch.ts';

export type RunnablePhase = z.infer<typeof Runnable>;

/** For a switch, as it was typed. */
export interface SwitchOptions {
  budgetMs?: number | undefined;
  /** False: `--no-way-back`. */
  wayBack?: boolean | undefined;
  /** Of a rollback: `--leave`. */
  leave?: string[] | undefined;
}

/** Show what it does, ask, run, watch. */
export async function runPhase(
  context: Context<'server'>,
  migration: Migration,
  step: RunnablePhase,
  options: SwitchOptions = {},
): Promise<Migration> {
  const wanted = withOptions(migration, options);
  say(context, `${header(migration, { paint: context.paint })}\n`);
  sayWhatComes(context, wanted, step);
  await confirmPhase(context, wanted, step);
  return startPhase(context, migration, step, options);
}

/** Without asking. A screen that is given is left open. */
export async function startPhase(
  context: Context<'server'>,
  migration: Migration,
  step: RunnablePhase,
  { screen, ...options }: SwitchOptions & { screen?: Screen } = {},
): Promise<Migration> {
  const { id, srcAppName: app } = migration;
  const { withoutWayBack } = withOptions(migration, options);
  const asked = step === 'finalize' || step === 'rollback' ? { withoutWayBack } : {};
  const started = await context.server.api.migrations.run({
    app,
    id,
    step,
    budgetMs: options.budgetMs,
    leave: options.leave,
    ...asked,
  });
  return screen ? watchOn(screen, context, started, migration) : watch(context, started, migration);
}

/** A phase that goes on after a failure keeps what it began with; one that begins is as it was typed. */
export const withOptions = (
  migration: Migration,
  { budgetMs, wayBack = true, leave = [] }: SwitchOptions,
): Migration => ({
  ...migration,
  report: { ...migration.report, stores: migration.report.stores.map((store) => asLeft(store, leave, migration)) },
  budgetMs: budgetMs ?? migration.budgetMs,
  withoutWayBack: !wayBack || (migration.status === 'error' && migration.withoutWayBack),
});

const asLeft = (store: StoreReport, leave: string[], { destination }: Migration): StoreReport =>
  leave.includes(store.name) ? { ...store, carrier: 'remote', region: destination } : store;

/** How a phase is called in a sentence. */
const called: Partial<Record<RunnablePhase, string>> = {
  abort: 'The abort',
  rollback: 'The rollback',
  complete: 'The completion',
};
const nameOf = (phase: RunnablePhase): string => called[phase] ?? `The ${phase} phase`;

export function sayWhatComes(context: Context, migration: Migration, phase: RunnablePhase): void {
  const { paint } = context;
  say(context, `${paint.bold(`${nameOf(phase)} will`)}`);
  for (const line of summaryOf(migration, phase)) say(context, `  ${line}`);
  say(context, '');
}

/** A no is not the end: the user is told how to take it up again, and how to take it back. */
export async function confirmPhase(context: Context, migration: Migration, phase: RunnablePhase): Promise<void> {
  try {
    await confirm(context, nameOf(phase));
  } catch (error) {
    say(context, `Nothing was started. Later: ${context.paint.cyan(phaseCommand(migration, phase))}`);
    const back = phase === 'abort' ? null : abortCommand(migration);
    if (back) say(context, context.paint.dim(`To take everything back: ${back}`));
    throw error;
  }
}
