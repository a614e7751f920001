import type { DatabaseInstance } from '../../../drivers/database/contract.ts';
import type { StartedAgain } from '../../../drivers/runtime/projects.ts';
import type { EpochRecord } from '../../../protocol/gate.ts';
import type { AppDocument } from '../app-document.ts';

type Document = Readonly<Pick<AppDocument, 'lockedBy' | 'quiesced' | 'halted'>>;

/**
 * Who starts a database's container again, after a crash or with the host. One that forgets its seal comes up open to
 * everybody, so its engine may do that only where the app is served, and not while a switch may be on its way: an agent
 * that is killed in one leaves the container as it was before (invariant 6).
 */
export function startedAgain(
  { quiesced, halted }: Document,
  { role }: EpochRecord,
  instance: DatabaseInstance | undefined,
): StartedAgain {
  return instance?.guest?.forgets && (role === 'passive' || quiesced || halted) ? 'by Storky' : 'by its engine';
}

/** Nothing follows it any more, and it cannot be shut before it can be reached: it is not started at all. */
export const restsShut = ({ lockedBy }: Document, { role }: EpochRecord, { guest }: DatabaseInstance): boolean =>
  Boolean(guest?.forgets) && role === 'passive' && lockedBy === null;
