import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { External } from '../../contract.ts';

/** The parameters of an address, in the words of the server's own programs; `PREFERRED` is settled when it is adopted. */
export type Mode = 'DISABLED' | 'PREFERRED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY';
export const modes: readonly Mode[] = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'];

/** How a way is encrypted. */
export interface Encryption {
  mode: Mode;
  /** A file on this host; without it, the system's authorities are believed. */
  ca?: string;
}

/** Undefined where nothing is encrypted. */
export function encryptionOf({ parameters }: External): Encryption | undefined {
  const mode = (parameters['ssl-mode'] ?? 'PREFERRED') as Mode;
  const ca = parameters['ssl-ca'];
  return mode === 'DISABLED' ? undefined : { mode, ...(ca && { ca }) };
}

const proves = ({ mode }: Encryption) => mode === 'VERIFY_CA' || mode === 'VERIFY_IDENTITY';
const authorities = ({ ca }: Encryption) => (ca ? { ca: readFileSync(ca, 'utf8') } : {});

/** For a socket of our own. */
export function tlsOptions(encryption: Encryption): ConnectionOptions {
  const anyName = encryption.mode === 'VERIFY_CA' ? { checkServerIdentity: () => undefined } : {};
  return { ...authorities(encryption), ...anyName, rejectUnauthorized: proves(encryption) };
}

/** For the client library. */
export const librarySsl = (encryption: Encryption) => ({
  ...authorities(encryption),
  rejectUnauthorized: proves(encryption),
  verifyIdentity: encryption.mode === 'VERIFY_IDENTITY',
});

/** For the server's own programs, which know no proof without the name: what is proven more than asked for is no harm. */
export const tlsFlags = (encryption: Encryption | undefined): string[] => {
  if (!encryption) return [];
  if (!proves(encryption)) return ['--ssl', '--skip-ssl-verify-server-cert'];
  return ['--ssl', '--ssl-verify-server-cert', ...(encryption.ca ? [`--ssl-ca=${encryption.ca}`] : [])];
};
