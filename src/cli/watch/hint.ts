import type { Migration } from '../../protocol/migration.ts';
import { asLastSwitched, isSwitched } from './sides.ts';
import { wayBackState } from './way-back.ts';

/** One line under the status: what happens next, or who has to act. */
export function hintOf(migration: Migration): string {
  const { status, failedPhase } = migration;
  const { source: other, destination: serving } = asLastSwitched(migration);
  const follows = wayBackState(migration) === 'open' ? ` ${other} follows, so that you can switch back.` : '';
  switch (status) {
    case 'created':
      return 'The preflight starts shortly.';
    case 'running':
      return 'The migration is running; it goes on when you leave.';
    case 'preflight-success':
      return 'Ready: waiting for you to start the preparation. Nothing has been changed.';
    case 'preflight-error':
      return 'The preflight failed. Nothing has been changed.';
    case 'prepared':
      return 'Prepared: waiting for you to start the data phase.';
    case 'data-migrated':
      return 'In sync: waiting for you to finalize. The old side serves until then.';
    case 'done':
      return `${failedPhase ? 'The rollback was taken back' : 'Done'}: ${serving} serves.${follows}`;
    case 'aborting':
      return 'Everything is being taken back.';
    case 'aborted':
      return 'Aborted: the old side is as it was.';
    case 'error':
      return `A step failed: the phase can be run again${isSwitched(migration) ? '' : ', or the migration aborted'}.`;
    case 'rolling-back':
      return 'Switching back; it goes on when you leave.';
    case 'rolled-back':
      return `${failedPhase ? 'The switch was taken back' : 'Rolled back'}: ${serving} serves${failedPhase ? '' : ' again'}.${follows}`;
    case 'completed':
      return `Completed: ${serving} serves. There is no way back any more.`;
  }
}
