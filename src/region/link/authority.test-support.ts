import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequest,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Identity } from './tls.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 24 * 60 * 60 * 1000;

/** A small certificate authority, for tests only; the real one belongs to the control plane. */
export class TestAuthority {
  readonly ca: string;
  readonly fingerprint: string;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(ca: string, fingerprint: string, keys: webcrypto.CryptoKeyPair) {
    this.ca = ca;
    this.fingerprint = fingerprint;
    this.#keys = keys;
  }

  static async create(): Promise<TestAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=Storky test authority',
      keys,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [new BasicConstraintsExtension(true, 0, true)],
    });
    const fingerprint = Buffer.from(await certificate.getThumbprint('SHA-256')).toString('hex');
    return new TestAuthority(certificate.toString('pem'), fingerprint, keys);
  }

  async issue(name: string): Promise<Identity> {
    const keys = await generateKeys();
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      name,
      key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      certificate: await this.#certificate(name, keys.publicKey),
      ca: this.ca,
    };
  }

  /** What the server does with an agent's request. */
  async sign(csr: string, name: string): Promise<string> {
    const request = new Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) throw new Error('the request was not signed with its own key');
    return this.#certificate(name, await request.publicKey.export());
  }

  async #certificate(name: string, publicKey: webcrypto.CryptoKey): Promise<string> {
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: new X509Certificate(this.ca).subject,
      publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [new BasicConstraintsExtension(false)],
    });
    return certificate.toString('pem');
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function validity() {
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 100 * day) };
}
