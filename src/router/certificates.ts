import { createSecureContext, type SecureContext } from 'node:tls';
import { StorkyError } from '../protocol/errors.ts';
import type { Certificate } from './state-file.ts';

/** The certificates for the public TLS listener: by exact name, else by a wildcard for it. */
export class Certificates {
  #contexts = new Map<string, SecureContext>();
  #list: Certificate[] = [];

  get list(): Certificate[] {
    return this.#list;
  }

  /** All or none: one that cannot be used leaves the former ones in place. */
  set(list: Certificate[]): void {
    const contexts = new Map<string, SecureContext>();
    for (const { host, cert, key } of list) {
      try {
        contexts.set(host.toLowerCase(), createSecureContext({ cert, key }));
      } catch (error) {
        throw new StorkyError('bad_request', {
          detail: `the certificate of ${host}: ${(error as Error).message}`,
          field: 'certificates',
        });
      }
    }
    this.#contexts = contexts;
    this.#list = list;
  }

  find(host: string): SecureContext | undefined {
    const name = host.toLowerCase();
    return this.#contexts.get(name) ?? this.#contexts.get(`*${name.slice(name.indexOf('.'))}`);
  }

  /** For the listener: a name without a certificate gets none, and the handshake fails. */
  readonly sni = (host: string, callback: (error: Error | null, context?: SecureContext) => void): void => {
    const context = this.find(host);
    if (context) callback(null, context);
    else callback(new Error(`no certificate for ${host}`));
  };
}
