import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { VerifyResult } from '../store.ts';
import type { TreePath } from './names.ts';

/** More are not kept in memory, nor asked for one by one. */
export const mostSuspects = 10_000;
const mostPasses = 3;

/** What was not the same on both sides when it was listed, to be looked at again; the root always. */
export class Suspects {
  readonly paths: TreePath[];
  readonly #most: number;
  /** So many more: of them nothing is known, and so nothing of the tree. */
  leftOut = 0;

  constructor(most: number, earlier: readonly TreePath[] = ['']) {
    this.paths = [...earlier];
    this.#most = most;
  }

  add(paths: readonly TreePath[]): void {
    const room = paths.slice(0, Math.max(0, this.#most - this.paths.length));
    this.paths.push(...room);
    this.leftOut += paths.length - room.length;
  }
}

/** Of one walk through the tree. */
export interface Pass extends VerifyResult {
  leftOut: number;
}

/**
 * Where much is on its way while the tree is walked through, not all that looked different is looked at again: what that pass
 * found equal proves nothing of the rest, so another follows. @throws StorkyError not_in_sync where that goes on
 */
export async function untilAllWereSeen(pass: () => Promise<Pass>): Promise<VerifyResult> {
  for (let n = 1; ; n++) {
    const { leftOut, ...result } = await pass();
    if (leftOut === 0 || result.differences.length > 0) return result;
    const detail = `${leftOut} entries more than are looked at again were on their way while it was compared`;
    if (n === mostPasses) throw new StorkyError('not_in_sync', { store: 'the file tree', detail });
    log.warn({ leftOut }, 'too much of a file tree was on its way to be compared; it is compared again');
  }
}
