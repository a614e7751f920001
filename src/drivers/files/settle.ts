import type { Ledger } from './ledger.ts';
import type { Placer } from './placer.ts';

/** Sets owner, mode and times of the directories whose content changed, deepest first. */
export function settle(placer: Placer, ledger: Ledger): void {
  for (let dirs = ledger.touched(1000); dirs.length > 0; dirs = ledger.touched(1000)) {
    for (const dir of dirs) {
      if (placer.meta(dir) !== undefined) ledger.settled(dir);
      else ledger.drop(dir.path);
    }
  }
}
