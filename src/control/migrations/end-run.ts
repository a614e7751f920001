import { finalStatuses } from '../../protocol/migration.ts';
import type { Outcome } from '../../workflow/step.ts';
import type { MigrationRow, RunState } from '../state/migrations.ts';
import type { RunInput, RunParts } from './runs.ts';
import { statusAfter } from './status.ts';

/** Writes down how a run ended. Called again after a kill, it writes the same; for a run that was replaced, nothing. */
export async function endRun(parts: RunParts, input: RunInput, outcome: Outcome): Promise<void> {
  const now = await parts.migrations.find(input.migration);
  if (!now || !isCurrent(now.run, input)) return;
  await settleSteps(parts, input.migration);
  await parts.migrations.update(input.migration, (row) => {
    if (!isCurrent(row.run, input)) return;
    if (outcome.end === 'done') succeeded(row, input);
    else failed(row, input, outcome);
    row.migration.finishedAt = finalStatuses.includes(row.migration.status) ? new Date().toISOString() : null;
  });
  parts.changes.tell(input.migration);
}

/** False for a run that was replaced, by an abort for example. */
export const isCurrent = (
  run: RunState | null,
  { phase, attempt }: Pick<RunInput, 'phase' | 'attempt'>,
): run is RunState => run?.phase === phase && run.attempt === attempt;

function succeeded({ migration, run }: MigrationRow, { phase }: RunInput): void {
  migration.status = phase === 'verify' ? run!.from : statusAfter(phase);
  migration.failedPhase = null;
}

function failed({ migration, run }: MigrationRow, { phase }: RunInput, outcome: Outcome & { end: 'failed' }): void {
  migration.failedPhase = phase;
  if (phase === 'preflight') migration.status = 'preflight-error';
  else if (outcome.undone || phase === 'verify') {
    // A finalize that was taken back leaves everything as before: in sync, and it can be finalized again.
    migration.status = run!.from;
    run!.committed = false;
  } else migration.status = 'error';
}

/** No run works on a step that is still marked as running: it was given up on, or stopped. */
export async function settleSteps({ steps }: Pick<RunParts, 'steps'>, migration: string): Promise<void> {
  for (const row of await steps.list(migration)) {
    if (row.status !== 'running') continue;
    await steps.put(migration, { ...row, status: 'error', finishedAt: new Date().toISOString() });
  }
}
