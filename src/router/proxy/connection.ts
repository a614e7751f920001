import type { Socket } from 'node:net';
import { BlockList, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What is the same for every request of one client connection. */
export interface Connection {
  address: string;
  proto: 'http' | 'https';
  /** Comes from a proxy whose X-Forwarded headers are believed. */
  trusted: boolean;
  /** The region that comes by the ingress, as its certificate names it; null for everybody else. */
  peer: string | null;
  /** The port by which it comes belongs to one app, and stands in the place of the app's own. */
  entry: EntryOf | null;
}

export interface EntryOf {
  app: string;
  name: string;
}

export type Listener = 'http' | 'https' | 'ingress' | EntryOf;

const key = Symbol('connection');
type Marked = Socket & { [key]?: Connection };

/** Called for every new client connection, before its first request. */
export function markConnection(socket: Socket, listener: Listener, trustedProxies: BlockList): void {
  const address = plainAddress(socket.remoteAddress ?? '');
  const entry = typeof listener === 'object' ? listener : null;
  const peer = listener === 'ingress' ? String((socket as TLSSocket).getPeerCertificate().subject?.CN) : null;
  (socket as Marked)[key] = {
    address,
    proto: listener === 'https' ? 'https' : 'http',
    // At the app's own port nobody stood who told good headers from bad ones: they pass as they would have.
    trusted:
      peer !== null ||
      entry !== null ||
      (address !== '' && trustedProxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')),
    peer,
    entry,
  };
}

export function connectionOf(socket: Socket): Connection {
  return (socket as Marked)[key] ?? unknown;
}

/** A connection that was gone before it could be asked for its address. */
const unknown: Connection = { address: '', proto: 'http', trusted: false, peer: null, entry: null };

/** `10.0.0.0/8` or a single address each. */
export function proxyList(entries: string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address, bits] = entry.split('/') as [string, string?];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);
