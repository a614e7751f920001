import type { Migration } from '../../protocol/migration.ts';
import type { Outcome } from '../command.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { arrivalText } from './arrival.ts';
import { preflightText } from './checks.ts';
import { endingText } from './ending.ts';

/** A migration at rest, as the end of a command: the checks after a preflight, the numbers after a switch, what to do next. */
export async function migrationOutcome(
  context: Context<'server'>,
  migration: Migration,
  exit: ExitCode,
): Promise<Outcome> {
  const { paint, io, global } = context;
  const { status, failedPhase } = migration;
  if (io.signal.aborted) return { data: migration, text: '', exit: exitCodes.interrupted };
  const checked = status === 'preflight-success' || status === 'preflight-error';
  const atRest = status === 'done' || status === 'rolled-back' || status === 'completed';
  const arrived = atRest && failedPhase === null;
  const parts = [
    checked ? preflightText(migration, paint, io.stdout.columns) : '',
    arrived && !global.json ? await arrivalText(context, migration) : '',
    endingText(migration, paint),
  ];
  return { data: migration, text: `\n${parts.filter(Boolean).join('\n\n')}`, exit };
}
