import { StorkyError } from '../../../protocol/errors.ts';
import type { FollowTicket, SourceEndpoint } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import type { Address } from './wire/connect.ts';

/**
 * What the target needs to follow. Made by the source; secret. It holds no position: a replica and its master agree on
 * that between themselves, and where they cannot, the copy is made anew.
 */
export interface Ticket extends FollowTicket, Whose {
  engine: 'redis';
  migration: string;
  user: string;
  password: string;
  /** Of the server that made it, e.g. 7.0.15. */
  version: string;
}

/** Of a server with settings of its own. Its values are compared by reading them. */
export interface Whose {
  /** Of one that Storky does not run: who is not the app. */
  administrator?: string;
  /** In a container: how it persists is the container's. */
  guest?: true;
}

export const whose = ({ external, guest, adminUser }: DatabaseInstance): Whose => ({
  ...(external && { administrator: adminUser }),
  ...(guest && { guest: true }),
});

export function readTicket(ticket: FollowTicket): Ticket {
  if (ticket.engine !== 'redis') throw new StorkyError('internal', { detail: 'the ticket is not of this engine' });
  return ticket as Ticket;
}

/** The source, through the tunnel, as the migration's user. */
export function sourceAddress(ticket: Ticket, from: Pick<SourceEndpoint, 'host' | 'port'>): Address {
  return { host: from.host, port: from.port, user: ticket.user, password: ticket.password };
}
