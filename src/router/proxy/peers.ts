import { readFileSync } from 'node:fs';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import type { ForwardTarget } from '../../protocol/gate.ts';
import type { CertificateFiles } from '../config.ts';
import { Upstream } from './upstream.ts';

/** Connections to the ingress of other regions' routers, over mutual TLS; one pool a region and address. */
export class Peers {
  readonly #files: CertificateFiles;
  readonly #known = new Map<string, Upstream>();

  constructor(files: CertificateFiles) {
    this.#files = files;
  }

  to({ region, host, port }: ForwardTarget): Upstream {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const key = `${region} ${address}`;
    let upstream = this.#known.get(key);
    if (!upstream) {
      const tls = peerTls(this.#files, region);
      upstream = new Upstream({ origin: `https://${address}`, servername: region, tls, connectTimeoutMs: 3_000 });
      this.#known.set(key, upstream);
    }
    return upstream;
  }

  /** Our certificate was renewed. */
  forget(): void {
    for (const upstream of this.#known.values()) upstream.close();
    this.#known.clear();
  }
}

/** A region is who its certificate names, whatever the address: a request goes to that one, or nowhere. */
function peerTls(files: CertificateFiles, region: string): ConnectionOptions {
  return {
    ...readCertificate(files),
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    checkServerIdentity: (_host: string, { subject }: PeerCertificate) =>
      subject?.CN === region ? undefined : new Error(`expected the region ${region}, found ${subject?.CN}`),
  };
}

export function readCertificate({ cert, key, ca }: CertificateFiles) {
  return { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
}
