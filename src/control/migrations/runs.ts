import { failpoint } from '../../base/failpoint.ts';
import { drive, stepName, takeBack } from '../../migration/drive.ts';
import { turned } from '../../migration/moving.ts';
import type { Step, StepContext } from '../../migration/step.ts';
import { type ErrorReport, StorkyError } from '../../protocol/errors.ts';
import type { Migration, MigrationStep, Phase } from '../../protocol/migration.ts';
import type { Kind } from '../../workflow/step.ts';
import type { RunState } from '../state/migrations.ts';
import type { StepTable } from '../state/steps.ts';
import { type ContextParts, stepContext } from './context.ts';
import { endRun, isCurrent } from './end-run.ts';
import { begunNow, StepLog } from './step-log.ts';
import { asItStands } from './way-back.ts';

/** Phases that make a switch, and that can be taken back until it was begun. */
const switching: readonly Phase[] = ['finalize', 'rollback'];

/** To every step `source` is the side that serves, or served when its phase began. */
const seenBy = (phase: Phase, migration: Migration): Migration =>
  phase === 'rollback'
    ? turned(migration)
    : phase === 'complete' || phase === 'verify'
      ? asItStands(migration)
      : migration;

/** What a run is started with; it is journalled, so that a killed run finds it again. */
export interface RunInput {
  migration: string;
  phase: Phase;
  attempt: number;
  /** True when the phase goes on from its failed step: what it has finished since it was begun is not run again. */
  resume: boolean;
}

export interface RunParts extends ContextParts {
  steps: StepTable;
  plan(phase: Phase): readonly Step[];
}

export const runId = ({ migration, phase, attempt }: Omit<RunInput, 'resume'>): string =>
  `${migration}/${phase}/${attempt}`;

/** One phase as a run: each step of the plan, driven. Finalize takes its steps back as long as the switch was not begun. */
export const phaseKind = (parts: RunParts): Kind<RunInput> => ({
  steps: async (input) =>
    parts.plan(input.phase).map((step) => ({
      id: step.id,
      execute: (signal) => forward(parts, input, step, signal),
      ...(typeof step.undo === 'function' && { undo: (signal) => backward(parts, input, step, step.id, signal) }),
    })),
  async takeBack(input, { error }) {
    if (!switching.includes(input.phase)) return false;
    const row = await parts.migrations.find(input.migration);
    if (!row || !isCurrent(row.run, input)) return false;
    return (
      error.code === 'switch_backed_out' ||
      !row.run.committed ||
      (await notMade(parts, seenBy(input.phase, { ...row.migration, steps: [] }), error))
    );
  },
  ended: (input, outcome) => endRun(parts, input, outcome),
});

/**
 * Did a switch that was begun fail before it was made? Only the source knows; where it cannot be asked, where the last word
 * about the switch was not its own, or where it says so, the answer is no, since it may be making it at this moment.
 */
async function notMade(
  parts: RunParts,
  { source, srcAppName }: Pick<Migration, 'source' | 'srcAppName'>,
  error: ErrorReport,
): Promise<boolean> {
  if (error.code === 'switch_undecided') return false;
  if (error.code === 'region_unreachable' && error.fields.region === source) return false;
  try {
    const region = await parts.connect(source);
    // First this, then the role: a switch that ends in between has the last word.
    if ((await region.source.switching({ app: srcAppName })).running) return false;
    return (await region.apps.get({ app: srcAppName })).role === 'active';
  } catch {
    return false;
  }
}

async function forward(parts: RunParts, input: RunInput, step: Step, signal: AbortSignal): Promise<void> {
  const { migration, run } = await current(parts, input);
  const known = migration.steps.find((row) => row.id === step.id);
  const endedWell = known?.status === 'done' || known?.status === 'skipped';
  if (input.resume && endedWell && run.finished?.includes(step.id)) return;
  if (switching.includes(input.phase) && typeof step.undo !== 'function') await commit(parts, input);
  const row = begunNow({ id: step.id, phase: step.phase, name: stepName(step, migration) });
  await journalled(parts, migration, known?.status === 'running' ? known : row, signal, (ctx) => drive(step, ctx));
  await parts.migrations.update(input.migration, ({ run }) => {
    if (isCurrent(run, input)) run.finished = [...new Set([...(run.finished ?? []), step.id])];
  });
}

/** The undo of one step, in a row of its own (`rowId`), or in the step's own row. */
export async function backward(
  parts: RunParts,
  input: RunInput,
  step: Step,
  rowId: string,
  signal: AbortSignal,
): Promise<void> {
  const { migration } = await current(parts, input);
  const known = migration.steps.find((row) => row.id === step.id);
  // A skipped step did nothing, so undoing it would take away what another one did.
  if (!known || known.status === 'undone' || known.status === 'skipped') return;
  if (rowId === step.id) {
    // The step that failed keeps its error and its logs: they are what the user has to see.
    const status = known.status === 'error' ? 'error' : 'undone';
    await journalled(parts, migration, known, signal, (ctx) => takeBack(step, ctx).then(() => ({ status })));
    return;
  }
  const row = begunNow({ id: rowId, phase: input.phase, name: `Abort: ${stepName(step, migration)}` });
  await journalled(parts, migration, row, signal, (ctx) => takeBack(step, ctx).then(() => ({ status: 'done' })));
  await parts.steps.put(migration.id, { ...known, status: 'undone' });
}

type End = { status: 'done' | 'undone' | 'error' } | { status: 'skipped'; why: string };

/** A failure that the runner will try again leaves the row running; the end of the run settles it. */
async function journalled(
  parts: RunParts,
  migration: Migration,
  row: MigrationStep,
  signal: AbortSignal,
  work: (ctx: StepContext) => Promise<End>,
): Promise<void> {
  const log = await StepLog.begin(parts, migration.id, row);
  failpoint(`${row.id}.begins`);
  try {
    const end = await work(await stepContext(parts, migration, log, signal));
    failpoint(`${row.id}.ends`);
    if (end.status === 'skipped') log.log(end.why);
    await log.end(end.status);
  } catch (thrown) {
    if (signal.aborted) {
      await log.pause();
      throw thrown;
    }
    const error = StorkyError.from(thrown);
    log.log(`${error.message} ${error.remedy}`);
    await (error.next === 'retry' ? log.pause() : log.end('error'));
    throw error;
  }
}

/** From here on abort is refused. Under the row's lock: of an abort and this, whichever comes first wins. */
async function commit(parts: RunParts, input: RunInput): Promise<void> {
  await parts.migrations.update(input.migration, (row) => {
    assertCurrent(row.run, input);
    row.run.committed = true;
  });
}

async function current(parts: RunParts, input: RunInput): Promise<{ migration: Migration; run: RunState }> {
  const row = await parts.migrations.find(input.migration);
  if (!row) throw new StorkyError('unknown_migration', { id: input.migration });
  assertCurrent(row.run, input);
  const migration = { ...row.migration, steps: await parts.steps.list(input.migration) };
  return { migration: seenBy(input.phase, migration), run: row.run };
}

/** A run that was replaced, by an abort for example, does nothing more, also when a restart takes it up again. */
function assertCurrent(run: RunState | null, input: RunInput): asserts run is RunState {
  if (isCurrent(run, input)) return;
  throw new StorkyError('wrong_phase', { phase: input.phase, status: 'in another phase', hint: 'It was replaced.' });
}
