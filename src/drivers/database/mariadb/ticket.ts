import { StorkyError } from '../../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint } from '../../store.ts';
import { titleOf } from './dialect/of-server.ts';
import type { Share } from './external/share.ts';
import type { Address } from './wire/connect.ts';

/** What the target needs to copy and follow. Made by the source; secret. The position is taken by the copy itself. */
export interface Ticket extends FollowTicket {
  /** A new one for every structure that is copied: a copy belongs to exactly one. */
  id: string;
  migration: string;
  account: string;
  password: string;
  engine: string;
  version: string;
  serverId: string;
  /** GTID domain of what is written there. */
  domainId: string;
  lowerCaseTableNames: string;
  /** Where the server is not Storky's: read as its administrator, and only this of it. */
  share?: Share;
  /** `user@host`, as what they have made there names them. */
  definers?: string[];
  /** A way back: nothing is copied, and a position that is lost cannot be had again. */
  back: boolean;
}

/** Of a source that this engine can follow. The two kinds of server count their transactions differently, and neither reads the other's log. */
export function readTicket(ticket: FollowTicket, engine: string): Ticket {
  if (typeof ticket.account !== 'string' || typeof ticket.engine !== 'string')
    throw new StorkyError('internal', { detail: 'the follow ticket is not of this engine' });
  if (ticket.engine !== engine)
    throw new StorkyError('engine_refused', {
      engine: titleOf(engine),
      detail: `it cannot follow ${titleOf(ticket.engine)}, nor be followed by it`,
      hint: 'Use the same engine on both sides, or move the addon by hand with the carrier `manual`.',
    });
  return ticket as Ticket;
}

/** The source's server, through the tunnel, as the migration's account. */
export const sourceAddress = (ticket: Ticket, from: Pick<SourceEndpoint, 'host' | 'port'>): Address => ({
  host: from.host,
  port: from.port,
  user: ticket.account,
  password: ticket.password,
  engine: ticket.engine,
  share: ticket.share,
});

/** Sessions of the migration's account: it may not, and need not, turn the log off. */
export const asSource = { logged: true } as const;
