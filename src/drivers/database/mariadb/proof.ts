import { StorkyError } from '../../../protocol/errors.ts';

/** What the source says of its marker: which row it is, and the position in every domain once it was written. */
export interface Proof {
  marker: string;
  gtid: string;
}

export const writeProof = (proof: Proof): string => JSON.stringify(proof);

export function readProof(text: string | null): Proof {
  if (text === null)
    throw new StorkyError('not_in_sync', { store: 'The database', detail: 'the source gave no proof of its marker' });
  return JSON.parse(text) as Proof;
}
