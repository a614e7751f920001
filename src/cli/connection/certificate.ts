import { once } from 'node:events';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { StorkyError } from '../../protocol/errors.ts';
import { reason } from '../../protocol/orpc-errors.ts';
import { normalized } from './fingerprint.ts';

interface ShownCertificates {
  /** The system's authorities vouch for it: nothing has to be pinned. */
  publiclyTrusted: boolean;
  /** Of the chain's last certificate, the authority. */
  authority: { pem: string; fingerprint: string };
}

/** What the server shows, unchecked. Nothing secret is sent. */
export async function shownCertificates(address: string): Promise<ShownCertificates> {
  const { hostname, port } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(port || 443),
    servername: isName(host) ? host : '',
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) });
    const last = topOf(socket.getPeerCertificate(true));
    return {
      publiclyTrusted: socket.authorized,
      authority: { pem: pem(last.raw), fingerprint: normalized(last.fingerprint256) },
    };
  } catch (error) {
    throw new StorkyError('server_unreachable', { address, detail: reason(error) }, { cause: error });
  } finally {
    socket.destroy();
  }
}

/** The authority's certificate, if it is the one expected. */
export async function authorityWith(fingerprint: string, address: string): Promise<string> {
  const { authority } = await shownCertificates(address);
  const expected = normalized(fingerprint);
  if (authority.fingerprint !== expected)
    throw new StorkyError('wrong_certificate', { address, seen: authority.fingerprint, expected });
  return authority.pem;
}

const isName = (host: string) => !/^[\d.]+$|:/.test(host);

function topOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate {
  const issuer = certificate.issuerCertificate;
  return !issuer || issuer.fingerprint256 === certificate.fingerprint256 ? certificate : topOf(issuer);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
