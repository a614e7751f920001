import { StorkyError } from '../../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint } from '../../store.ts';
import type { Identity } from './identities.ts';
import type { Surroundings } from './roles.ts';
import type { Address } from './wire/connect.ts';

/** What the other side needs to follow. Made by the side that is followed; secret. */
export interface Ticket extends FollowTicket {
  /** A new one for every slot: a copy belongs to exactly one. */
  id: string;
  migration: string;
  role: string;
  password: string;
  /** On the side that reads: a file with the password, where it shall be in no catalog and no log. */
  passfile?: string;
  database: string;
  slot: string;
  publication: string;
  systemIdentifier: string;
  /** Major version. */
  version: string;
  identities: Identity[];
}

/** … and to copy before. */
export interface CopyTicket extends Ticket {
  snapshot: string;
  lsn: string;
  surroundings: Surroundings;
}

/** Of a way back: nothing is copied, since both sides are equal at the turn. */
export interface WayBackTicket extends Ticket {
  /** The structure at that time, which is that of the other side too; DDL of Storky's own is left out. */
  fingerprint: string;
}

export function readTicket(ticket: FollowTicket): Ticket {
  if (typeof ticket.slot !== 'string' || typeof ticket.publication !== 'string')
    throw new StorkyError('internal', { detail: 'the follow ticket is not of this engine' });
  return ticket as Ticket;
}

export function readCopyTicket(ticket: FollowTicket): CopyTicket {
  if (typeof ticket.snapshot !== 'string')
    throw new StorkyError('internal', { detail: 'the ticket is of a way back: nothing is copied with it' });
  return readTicket(ticket) as CopyTicket;
}

export const isWayBack = (ticket: Ticket): ticket is WayBackTicket => typeof ticket.fingerprint === 'string';

/** The source's database, through the tunnel, as the migration's role. */
export function sourceAddress(ticket: Ticket, from: Pick<SourceEndpoint, 'host' | 'port'>): Address {
  return { host: from.host, port: from.port, user: ticket.role, password: ticket.password, database: ticket.database };
}
