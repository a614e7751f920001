import type { FollowTicket } from '../../drivers/store.ts';
import type { SourceSide } from './source-side.ts';

/** What the peer needs to follow a store of this side. Before a switch this side may be a copy itself: of the way back then. */
export async function ticketOf(
  side: SourceSide,
  hello: { app: string; migration: string; store: string; copyLimit?: number | null | undefined },
): Promise<FollowTicket> {
  const { stream } = side.records.get(hello.migration, 'source');
  const store = await side.stores.get(hello.app, stream, hello.store);
  if (side.home.epochs(hello.app).read().role === 'active')
    return (await store.open(stream, hello.copyLimit ?? null)).ticket;
  return await store.openWayBack(stream);
}
