import { StorkyError } from '../../protocol/errors.ts';
import type { LinkHello } from '../../protocol/link.ts';
import type { MigrationRecord, MigrationRecords } from './records.ts';

type OfLoan = Extract<LinkHello, { kind: 'loan' | 'give-back' }>;
type OfMigration = Exclude<LinkHello, OfLoan>;

/** Which side of a migration answers each kind of stream. */
const answeredBy: Record<OfMigration['kind'], MigrationRecord['role']> = {
  tunnel: 'source',
  store: 'source',
  backup: 'source',
  part: 'source',
  stores: 'source',
  ticket: 'source',
  pressure: 'source',
  build: 'source',
  image: 'source',
  blobs: 'source',
  switch: 'target',
};

/** A peer gets only what a running migration of that very peer and app grants, and the very addons that it was lent. */
export function authoriseBy(
  records: MigrationRecords,
  region: string,
  isLent: (peer: string, hello: OfLoan) => boolean,
): (peer: string, hello: LinkHello) => void {
  const granted = (peer: string, hello: LinkHello) => {
    if (hello.kind === 'loan' || hello.kind === 'give-back') return isLent(peer, hello);
    const record = records.find(hello.migration, answeredBy[hello.kind]);
    return record !== undefined && record.peer.region === peer && record.app === hello.app;
  };
  return (peer, hello) => {
    if (granted(peer, hello)) return;
    throw new StorkyError('not_granted', { peer, region, what: `${hello.kind} of ${hello.app}` });
  };
}
