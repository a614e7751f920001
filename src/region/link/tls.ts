import type { ConnectionOptions, PeerCertificate, TLSSocket, TlsOptions } from 'node:tls';
import { RegionName } from '../../protocol/app-record/names.ts';

/**
 * Between Storky's processes: TLS 1.3, both ends with a certificate of the server's CA. A peer is who its certificate's
 * common name says (a region's name, or `storky-control`), wherever it answers: host names prove nothing here.
 */
export const controlName = 'storky-control';

/** PEM texts. `certificate` is for `key`, and was signed by `ca`. */
export interface Identity {
  name: string;
  key: string;
  certificate: string;
  ca: string;
}

/** For a server that accepts only who the CA knows. The chain carries the CA itself, so that a token can pin it. */
export function serverTls(identity: Identity): TlsOptions {
  return { ...common(identity), requestCert: true, rejectUnauthorized: true };
}

/** For a connection to exactly one peer; another region's certificate is as wrong as another CA's. */
export function clientTls(identity: Identity, peer: string): ConnectionOptions {
  return { ...common(identity), servername: peer, rejectUnauthorized: true, checkServerIdentity: expectPeer(peer) };
}

/** Node asks only after the chain was verified against the CA. */
export function expectPeer(name: string): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, certificate) => {
    const shown = commonName(certificate);
    if (shown === name) return undefined;
    return new Error(`expected the certificate of ${name}, but ${shown ?? 'a nameless peer'} answered`);
  };
}

/** Who is at the other end, or undefined where the certificate names nobody that Storky could have enrolled. */
export function peerName(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const name = commonName(socket.getPeerCertificate());
  return RegionName.safeParse(name).success ? name : undefined;
}

function common(identity: Identity) {
  const { key, certificate, ca } = identity;
  return { key, cert: `${certificate.trim()}\n${ca.trim()}\n`, ca, minVersion: 'TLSv1.3' as const };
}

/** A certificate with several common names is nobody's. */
function commonName(certificate: PeerCertificate): string | undefined {
  const name: unknown = certificate.subject?.CN;
  return typeof name === 'string' ? name : undefined;
}
