import 'reflect-metadata';
import { createHash, X509Certificate as NodeCertificate, type webcrypto } from 'node:crypto';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { readJson, writeJsonAtomic } from '../../base/atomic-file.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { agentExtensions, authorityExtensions, serverExtensions } from './extensions.ts';
import { fromPem, type KeyPair, newKeyPair, privateKeyPem, signingAlgorithm } from './keys.ts';

const dayMs = 24 * 60 * 60 * 1000;
const yearMs = 365 * dayMs;

/** PEM texts; `certificate` is the leaf alone. */
export interface Issued {
  certificate: string;
  key: string;
}

interface Stored {
  certificate: string;
  key: string;
}

/**
 * The root that all of Storky's processes trust. Its key is made at the first start and stays in the data folder (0600).
 * An agent's certificate lasts a year; there is no renewal but to enrol again.
 */
export class Authority {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of the certificate's DER form, lower-case hex: what tokens carry and clients pin. */
  readonly fingerprint: string;
  readonly #key: webcrypto.CryptoKey;

  private constructor(stored: Stored, key: webcrypto.CryptoKey) {
    this.certificate = stored.certificate;
    this.fingerprint = createHash('sha256').update(new NodeCertificate(stored.certificate).raw).digest('hex');
    this.#key = key;
  }

  static async open(dataFolder: string): Promise<Authority> {
    const path = join(dataFolder, 'authority.json');
    let stored = readJson<Stored>(path);
    if (!stored) {
      stored = await newRoot();
      writeJsonAtomic(path, stored, 0o600);
    }
    return new Authority(stored, await fromPem(stored.key));
  }

  /** Signs an agent's request. The name is ours to say: whatever the request asks for is left out. */
  async signAgent(csr: string, region: string): Promise<string> {
    return this.#sign(await publicKeyOf(csr), region, agentExtensions(region), yearMs);
  }

  /** A key and certificate of the server's own, kept in memory and made anew at each start. */
  async issue(name: string, hosts: readonly string[]): Promise<Issued> {
    const keys = await newKeyPair();
    const certificate = await this.#sign(keys.publicKey, name, serverExtensions(hosts), 2 * yearMs);
    return { certificate, key: await privateKeyPem(keys) };
  }

  async #sign(publicKey: x509.PublicKeyType, name: string, extensions: x509.Extension[], lifeMs: number) {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [{ CN: [name] }],
      issuer: new x509.X509Certificate(this.certificate).subject,
      publicKey,
      signingKey: this.#key,
      signingAlgorithm,
      ...validity(lifeMs),
      extensions,
    });
    return `${certificate.toString('pem')}\n`;
  }
}

async function newRoot(): Promise<Stored> {
  const keys: KeyPair = await newKeyPair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['Storky authority'] }],
    keys,
    signingAlgorithm,
    ...validity(20 * yearMs),
    extensions: authorityExtensions(),
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyPem(keys) };
}

async function publicKeyOf(csr: string): Promise<x509.PublicKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    if (await request.verify()) return request.publicKey;
  } catch {
    // What cannot be read is refused like what was not signed.
  }
  throw new StorkyError('bad_request', {
    field: 'csr',
    detail: 'csr is not a certificate request signed with its key',
  });
}

/** A day back: the clocks of servers differ. */
const validity = (lifeMs: number) => ({
  notBefore: new Date(Date.now() - dayMs),
  notAfter: new Date(Date.now() + lifeMs),
});
