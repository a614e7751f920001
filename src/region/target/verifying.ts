import type { FollowTicket } from '../../drivers/store.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { storeOf } from '../stores.ts';
import type { Moving } from './creating.ts';
import { isLive, type TargetSide } from './target-side.ts';

/** Compares one store that is followed, again, at a known position. @throws StorkyError verification_failed */
export async function verifyAgain(
  side: TargetSide,
  { app, migration, store: name }: Moving & { store: string },
): Promise<{ items: number }> {
  const record = side.records.get(migration, 'target');
  if (!isLive(record, name))
    throw new StorkyError('unsupported', {
      what: `Verifying ${name}`,
      detail: 'it is not followed live',
      hint: 'Compare it yourself.',
    });
  const { peer, peerApp } = record;
  const endpoint = await side.endpoints.get(record, name, storeOf(side.home, app, name).kind);
  const ticket = await side.link.openJson<FollowTicket>(peer, { kind: 'ticket', migration, app: peerApp, store: name });
  const store = await side.stores.get(app, record.stream, name);
  const { items, differences } = await side.governors
    .of(migration)
    .watching(() => store.verify(record.stream, ticket, endpoint, () => {}, AbortSignal.timeout(3_600_000)));
  if (differences.length > 0)
    throw new StorkyError('verification_failed', { store: name, detail: differences.slice(0, 5).join('; ') });
  return { items };
}
