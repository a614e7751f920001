import { StorkyError } from '../../protocol/errors.ts';
import type { Migration, Phase } from '../../protocol/migration.ts';
import { abortCommand, phaseCommand } from './next.ts';
import { isSwitched } from './sides.ts';
import { wayBackState, whyNone } from './way-back.ts';

/** Nobody is asked to confirm what cannot be. The server decides; this only spares the question. */
export function refuseEarly(migration: Migration, phase: Phase): void {
  const hint = whyNot(migration, phase);
  if (hint) throw new StorkyError('wrong_phase', { phase, status: migration.status, hint });
}

function whyNot(m: Migration, phase: Phase): string | null {
  const state = wayBackState(m);
  if (phase === 'abort') return state === 'open' ? `Switch the other way instead: \`${otherWay(m)}\`.` : null;
  if (!isSwitched(m)) {
    const abort = abortCommand(m);
    return `No switch was made${abort ? `; what was done is taken back with \`${abort}\`` : ''}.`;
  }
  return phase === 'rollback' && m.status === 'done' && state === 'none'
    ? `There is no way back: ${whyNone(m)}.`
    : null;
}

const otherWay = (m: Migration) => phaseCommand(m, m.status === 'done' ? 'rollback' : 'finalize');
