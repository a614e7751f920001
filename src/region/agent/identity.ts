import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../../base/atomic-file.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { Identity } from '../link/tls.ts';

export type Address = Omit<RegionAddress, 'region'>;

/** Where the router finds the agent's identity; it shows the same one to other regions' routers. */
export interface IdentityFiles {
  key: string;
  certificate: string;
  ca: string;
}

/**
 * Who this agent is: a key that never leaves its data folder, and once enrolled the certificate that the server's CA
 * gave for it. The certificate is written last: where it is, all three files are.
 */
export class AgentIdentity {
  readonly files: IdentityFiles;
  readonly #key: KeyObject;

  private constructor(files: IdentityFiles, key: KeyObject) {
    this.files = files;
    this.#key = key;
  }

  /** Makes the key on the first start. */
  static open(dataFolder: string): AgentIdentity {
    const folder = join(dataFolder, 'identity');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = (name: string) => join(folder, name);
    const files = { key: file('key.pem'), certificate: file('certificate.pem'), ca: file('ca.pem') };
    if (!existsSync(files.key)) writeFileAtomic(files.key, newKey(), 0o600);
    return new AgentIdentity(files, createPrivateKey(readFileSync(files.key)));
  }

  /** Undefined before enrolment. */
  load(): Identity | undefined {
    if (!existsSync(this.files.certificate)) return undefined;
    const [key, certificate, ca] = [this.files.key, this.files.certificate, this.files.ca].map((file) =>
      readFileSync(file, 'utf8'),
    ) as [string, string, string];
    return { name: checkCertificate(certificate, ca, this.#key), key, certificate, ca };
  }

  /** What the CA certifies: our public key and the region's name, signed with our key. */
  async request(region: string): Promise<string> {
    const csr = await Pkcs10CertificateRequestGenerator.create({
      name: `CN=${region}`,
      keys: await this.#cryptoKeys(),
      signingAlgorithm: ecdsa,
    });
    return csr.toString('pem');
  }

  /** Refuses a certificate that is not for our key and this region, or not of this CA. */
  store(region: string, certificate: string, ca: string, address: Address): Identity {
    const name = checkCertificate(certificate, ca, this.#key);
    if (name !== region) throw broken(`it is for ${name}, not for ${region}`);
    writeFileAtomic(this.files.ca, ca);
    writeJsonAtomic(this.#addressFile, address);
    writeFileAtomic(this.files.certificate, certificate);
    return this.load()!;
  }

  /** Where the server was told that this agent is. */
  get knownAddress(): Address | undefined {
    return readJson(this.#addressFile);
  }

  get #addressFile(): string {
    return join(this.files.ca, '../address.json');
  }

  async #cryptoKeys(): Promise<webcrypto.CryptoKeyPair> {
    const { subtle } = webcrypto;
    const pkcs8 = this.#key.export({ type: 'pkcs8', format: 'der' });
    const { d: _private, ...jwk } = this.#key.export({ format: 'jwk' });
    return {
      privateKey: await subtle.importKey('pkcs8', pkcs8, ecdsa, true, ['sign']),
      publicKey: await subtle.importKey('jwk', { ...jwk, key_ops: ['verify'] }, ecdsa, true, ['verify']),
    };
  }
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: ecdsa.namedCurve });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** The name in the certificate, once it is known to be for the key and of the CA. */
function checkCertificate(certificate: string, ca: string, key: KeyObject): string {
  const ours = new X509Certificate(certificate);
  const authority = new X509Certificate(ca);
  if (!ours.checkPrivateKey(key)) throw broken('it is not for this key');
  if (!ours.checkIssued(authority) || !ours.verify(authority.publicKey)) throw broken('it is not of this authority');
  const name = ours.toLegacyObject().subject.CN;
  if (typeof name !== 'string') throw broken('it names nobody');
  return name;
}

function broken(detail: string): StorkyError {
  return new StorkyError('internal', { detail: `the agent's certificate cannot be used: ${detail}` });
}
