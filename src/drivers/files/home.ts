import type { Have } from './have.ts';
import type { Ignore } from './ignore.ts';
import type { Ledger } from './ledger.ts';
import type { Placer } from './placer.ts';
import type { Unsynced } from './unsynced.ts';

/** What every part of the target's end works on. */
export interface Home {
  placer: Placer;
  ledger: Ledger;
  unsynced: Unsynced;
  ignore: Ignore;
  have: Have;
  /** Entries that a comparison looks at again; see `Suspects`. */
  maxSuspects: number;
}
