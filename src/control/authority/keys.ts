import { createPrivateKey, webcrypto } from 'node:crypto';

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
export type KeyPair = webcrypto.CryptoKeyPair;

export const newKeyPair = (): Promise<KeyPair> => webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);

/** PKCS #8. */
export async function privateKeyPem(keys: KeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

export async function fromPem(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, curve, false, ['sign']);
}
