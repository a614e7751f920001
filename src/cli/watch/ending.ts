import { switchesMade } from '../../migration/moving.ts';
import type { Migration, MigrationStatus } from '../../protocol/migration.ts';
import type { Paint } from '../show/paint.ts';
import { backOutLines, failureLines } from './failure.ts';
import { abortCommand, appCommand, createCommand, followCommand, phaseCommand } from './next.ts';
import { pressureRows } from './pressure.ts';
import { stoodStillRows } from './stood-still.ts';
import { waitingLines } from './waiting.ts';
import { strayLines, wayBackLine, wayBackState } from './way-back.ts';

/** The command to go on with, and what else can be done. */
interface Next {
  next: string;
  also?: [what: string, command: string | null][];
  note?: string;
}

/** The words that a migration at rest leaves the user with: what happened, and the one command to go on with. */
export function endingText(migration: Migration, paint: Paint): string {
  const { next, also = [], note } = nextOf(migration);
  const wayBack = wayBackLine(migration, paint);
  return [
    ...failureLines(migration, paint),
    ...backOutLines(migration, paint),
    ...(migration.status === 'data-migrated' && migration.report.previewUrl
      ? [`${paint.bold('Preview:')} ${paint.cyan(migration.report.previewUrl)}`]
      : []),
    ...(switchesMade(migration) === 0 ? stoodStillRows(migration) : []).map(
      ([what, text]) => `${paint.bold(`${what}:`)} ${text}`,
    ),
    ...(migration.status === 'data-migrated'
      ? pressureRows(migration).map(([what, text]) => `${paint.bold(`${what}:`)} ${text}`)
      : []),
    ...waitingLines(migration, paint),
    ...(wayBack ? [wayBack] : []),
    ...strayLines(migration, paint),
    `${paint.bold('Next:')} ${paint.cyan(next)}`,
    ...(note ? [paint.dim(`  ${note}`)] : []),
    ...also.flatMap(([what, command]) => (command ? [paint.dim(`${what}: ${command}`)] : [])),
  ].join('\n');
}

function nextOf(m: Migration): Next {
  const back: Next['also'] = [['To take everything back', abortCommand(m)]];
  const byStatus: Record<MigrationStatus, () => Next> = {
    created: () => ({ next: followCommand(m) }),
    running: () => ({ next: followCommand(m) }),
    aborting: () => ({ next: followCommand(m) }),
    'rolling-back': () => ({ next: followCommand(m) }),
    'preflight-success': () => ({ next: phaseCommand(m, 'prepare') }),
    'preflight-error': () => ({ next: createCommand(m) }),
    prepared: () => ({ next: phaseCommand(m, 'data'), also: back }),
    'data-migrated': () => ({ next: phaseCommand(m, 'finalize'), also: back }),
    error: () => ({ next: phaseCommand(m, m.failedPhase ?? 'prepare'), also: m.failedPhase === 'abort' ? [] : back }),
    aborted: () => ({ next: createCommand(m) }),
    done: () => afterSwitch(m),
    'rolled-back': () => afterSwitch(m),
    completed: () => ({ next: appCommand(m) }),
  };
  return byStatus[m.status]();
}

function afterSwitch(m: Migration): Next {
  const complete = phaseCommand(m, 'complete');
  // One that was built and is lost has left things behind, which completing takes away.
  if (wayBackState(m) === 'none') return { next: m.report.wayBack?.since ? complete : appCommand(m) };
  if (m.status === 'rolled-back')
    return { next: phaseCommand(m, 'finalize'), also: [['To leave it where it is, for good', complete]] };
  const rollback = phaseCommand(m, 'rollback');
  if (m.failedPhase === 'rollback') return { next: rollback, also: [['To leave it where it is, for good', complete]] };
  return {
    next: complete,
    note: 'Not urgent: it ends the way back, and what that costs.',
    also: [['To switch back', rollback]],
  };
}
