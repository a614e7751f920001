import { readJson } from '../../base/atomic-file.ts';
import { claim, claimPath } from '../../base/claim.ts';
import { EpochRecord } from '../../protocol/gate.ts';

/** Back to where this region's role sends requests, or on waiting for the agent's word. */
export type Verdict = 'serve' | 'forward' | 'wait';

/**
 * What to do at the end of a hold's budget, when nobody said a word (invariants 4 and 5). The agent's durable record
 * decides: passive at the hold's epoch means that the switch has happened, and only the agent knows where to forward.
 * Otherwise the hold is over, but an agent that was only stalled could decide at this very moment; whoever claims the
 * epoch first decides, so that the source never serves after it was made passive (invariant 1).
 */
export function settleByRecord(epochFile: string, epoch: number): Verdict {
  const record = EpochRecord.safeParse(readJson(epochFile) ?? neverSwitched);
  // Damaged: nobody knows who serves. Waiting is refusals at worst, serving could be a second writer.
  if (!record.success) return 'wait';
  const { role, epoch: reached } = record.data;
  if (role === 'passive' && reached >= epoch) return 'wait';
  if (claim(claimPath(epochFile, epoch), 'active') !== 'active') return 'wait';
  return role === 'active' ? 'serve' : 'forward';
}

const neverSwitched = { epoch: 0, role: 'active', migration: null, peer: null, at: new Date(0).toISOString() };
