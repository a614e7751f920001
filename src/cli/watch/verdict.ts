import { type Migration, type MigrationStatus, type Phase, restingStatuses } from '../../protocol/migration.ts';
import { type ExitCode, exitCodes } from '../exit.ts';

const success: Partial<Record<Phase, MigrationStatus>> = {
  preflight: 'preflight-success',
  prepare: 'prepared',
  data: 'data-migrated',
  finalize: 'done',
  abort: 'aborted',
  rollback: 'rolled-back',
  complete: 'completed',
};

/** A phase that was run succeeded only if it ended where it leads; anything else is a failure, whatever its name. */
export const exitAfter = (phase: Phase, migration: Migration): ExitCode => {
  // It leads nowhere: where the migration stands is where it stood.
  if (phase === 'verify') return exitOf(migration);
  return migration.status === success[phase] ? exitCodes.ok : exitCodes.failed;
};

/** For a migration that was only followed: is it well? A phase that failed and was taken back is not. */
export function exitOf({ status, failedPhase }: Migration): ExitCode {
  const bad: MigrationStatus[] = ['preflight-error', 'error', 'aborted'];
  const well = restingStatuses.includes(status) && !bad.includes(status) && failedPhase === null;
  return well ? exitCodes.ok : exitCodes.failed;
}
