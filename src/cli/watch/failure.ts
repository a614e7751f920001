import type { Migration } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { asLastSwitched } from './sides.ts';

/** Of the phase that failed last, newest first: the last failure is the one to look at. */
export function failureLines(migration: Migration, paint: Paint): string[] {
  return failedSteps(migration).map(
    (step) => `${paint.red(`- Step ${step.name} failed`)}${step.logs ? `: ${paint.dim(step.logs.trim())}` : ''}`,
  );
}

/** Did the last switch give up, so that the side that served goes on? */
export function backOutLines(migration: Migration, paint: Paint): string[] {
  const { report, status, failedPhase } = migration;
  const last = report.switches.at(-1);
  const failed = status === 'error' || failedPhase === 'finalize' || failedPhase === 'rollback';
  // An earlier try may have backed out, and this one have failed before its switch.
  const newest = failedSteps(migration).at(0);
  const another = newest && !newest.id.endsWith('.switch');
  if (last?.outcome !== 'backed-out' || !failed || another) return [];
  const { destination: serving } = asLastSwitched(migration);
  const what = failedPhase === 'rollback' ? 'The rollback backed out' : 'The switch backed out';
  return [`${paint.yellow(what)}: ${last.reason ?? 'no reason given'}. ${serving} serves; nothing was lost.`];
}

const failedSteps = ({ steps, failedPhase }: Migration) =>
  steps
    .filter((step) => step.status === 'error' && step.phase === failedPhase)
    .toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
