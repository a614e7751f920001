import { StorkyError } from '../../protocol/errors.ts';
import type { Ignore } from './ignore.ts';
import type { Rooted } from './rooted.ts';
import type { Sent } from './sent.ts';

/** What every part of the source's end works on. */
export interface Place {
  tree: Rooted;
  ignore: Ignore;
  /** `Rooted.identity` when the migration began. */
  identity: string;
  stateFolder: string;
  sent: Sent;
  /** Of directory watches; tests set it low. */
  maxWatches?: number;
}

/** An unmounted volume is an empty folder: it must not look like a tree whose files were all deleted. */
export function assertSameRoot(place: Place): void {
  if (place.tree.identity() === place.identity) return;
  const detail = `${place.tree.root} is not the folder it was when the migration began`;
  throw new StorkyError('engine_refused', {
    engine: 'files',
    detail,
    hint: 'Mount the volume again, or abort the migration.',
  });
}
