import { bringsData } from '../../migration/carriers.ts';
import { switchesMade } from '../../migration/moving.ts';
import { finalStatuses, type Migration, type MigrationStatus, type Phase } from '../../protocol/migration.ts';
import type { MigrationRow } from '../state/migrations.ts';

/** The phases that a user runs one by one, and the statuses in which each may begin. */
const beginsIn: Partial<Record<Phase, readonly MigrationStatus[]>> = {
  preflight: ['created', 'preflight-success', 'preflight-error'],
  prepare: ['preflight-success'],
  // Again after data-migrated: it copies anew what changed in a way that cannot be followed.
  data: ['prepared', 'data-migrated'],
  // Again after a rollback: the two alternate for as long as the way back is open.
  finalize: ['prepared', 'data-migrated', 'rolled-back'],
  rollback: ['done'],
  complete: ['done', 'rolled-back'],
  // Wherever one side follows the other.
  verify: ['data-migrated', 'done', 'rolled-back'],
};

const success: Partial<Record<Phase, MigrationStatus>> = {
  preflight: 'preflight-success',
  prepare: 'prepared',
  data: 'data-migrated',
  finalize: 'done',
  abort: 'aborted',
  rollback: 'rolled-back',
  complete: 'completed',
};

const during: Partial<Record<Phase, MigrationStatus>> = { abort: 'aborting', rollback: 'rolling-back' };

export const atWork: readonly MigrationStatus[] = ['created', 'running', 'aborting', 'rolling-back'];

export const statusDuring = (phase: Phase): MigrationStatus => during[phase] ?? 'running';

export const statusAfter = (phase: Phase): MigrationStatus => success[phase] ?? 'error';

/** Why the phase may not begin now, as the hint of what to run instead; null when it may. */
export function whyNot({ migration, run }: MigrationRow, phase: Phase): string | null {
  const { status, failedPhase } = migration;
  if (phase === 'abort') return whyNotAbort(migration, run?.committed ?? false);
  if (status === 'error' && failedPhase === phase) return null;
  if (status !== 'created' && atWork.includes(status)) return follow(migration);
  const wayBackIsGone = goesBack(migration, phase) && !migration.report.wayBack?.open;
  if (wayBackIsGone) return `There is no way back: ${migration.report.wayBack?.reason ?? 'none was built'}.`;
  const begins = beginsIn[phase]?.includes(status) && !(phase === 'finalize' && dataAreMissing(migration));
  return begins ? null : nextCommand(migration);
}

/** Only over the way back can these come about. */
const goesBack = ({ status }: MigrationRow['migration'], phase: Phase): boolean =>
  (phase === 'rollback' && status === 'done') ||
  (phase === 'finalize' && status === 'rolled-back') ||
  (phase === 'verify' && ['done', 'rolled-back'].includes(status));

/** The data phase may be left out only where it would carry nothing: a switch without it would lose what is in the stores. */
const dataAreMissing = ({ status, report }: MigrationRow['migration']): boolean =>
  status === 'prepared' && report.stores.some(bringsData);

function whyNotAbort(migration: MigrationRow['migration'], committed: boolean): string | null {
  if (migration.status === 'aborting') return follow(migration);
  // After a switch the other side's data are no mere copy any more: what is left to do is to go back, or to end it.
  if (finalStatuses.includes(migration.status) || switchesMade(migration) > 0) return nextCommand(migration);
  if (!committed) return null;
  return migration.status === 'running'
    ? `The switch is being made. ${follow(migration)}`
    : `The switch may have been made. Run \`${command(migration, 'migration-run --finalize')}\`, which finds out and goes on.`;
}

function nextCommand(migration: MigrationRow['migration']): string {
  const run = (what: string) => `Run \`${command(migration, what)}\`.`;
  switch (migration.status) {
    case 'preflight-success':
      return run('migration-run --prepare');
    case 'prepared':
      return run('migration-run --data');
    case 'data-migrated':
      return run('migration-run --finalize');
    case 'done':
    case 'rolled-back':
      return afterSwitch(migration);
    case 'error':
      return `${run(commandOf(migration.failedPhase))} It goes on from the step that failed.`;
    default:
      return over(migration);
  }
}

function afterSwitch(migration: MigrationRow['migration']): string {
  if (!migration.report.wayBack?.open) return over(migration);
  const other = migration.status === 'done' ? 'migration-rollback' : 'migration-run --finalize';
  const [go, end] = [command(migration, other), command(migration, 'migration-complete')];
  return `Switch the other way with \`${go}\`, or end it with \`${end}\`.`;
}

/** Some phases are commands of their own. */
const commandOf = (phase: Phase | null): string =>
  ['abort', 'rollback', 'complete'].includes(phase ?? '') ? `migration-${phase}` : `migration-run --${phase}`;

/** Of the app where it is now: another move would bring it to the other side. */
function over(migration: MigrationRow['migration']): string {
  const { source, destination, srcAppName, dstAppName } = migration;
  const [app, to] = switchesMade(migration) % 2 === 1 ? [dstAppName, source] : [srcAppName, destination];
  return `It is over. Create another: \`storky --app ${app} migration-create --to ${to}\`.`;
}

const follow = (migration: MigrationRow['migration']) => `Follow it: \`${command(migration, 'migration-follow')}\`.`;

const command = (migration: Pick<Migration, 'srcAppName' | 'id'>, what: string) =>
  `storky --app ${migration.srcAppName} ${what} ${migration.id}`;
