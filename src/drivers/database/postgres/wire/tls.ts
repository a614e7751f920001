import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { External } from '../../contract.ts';

/** What the address asks for, in libpq's words. `sslrootcert` is a file on this host; `prefer` was settled when it was adopted. */
export function tlsOf({ parameters }: External): ConnectionOptions | false {
  const { sslmode = 'prefer', sslrootcert } = parameters;
  if (sslmode === 'disable') return false;
  const ca = sslrootcert && sslrootcert !== 'system' ? { ca: readFileSync(sslrootcert, 'utf8') } : {};
  if (sslmode === 'verify-full') return { ...ca, rejectUnauthorized: true };
  if (sslmode === 'verify-ca') return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  return { rejectUnauthorized: false };
}

/** For libpq's own programs. */
export function tlsEnvironment(external: External | undefined): Record<string, string> {
  const { sslmode, sslrootcert } = external?.parameters ?? { sslmode: 'disable' };
  return { ...(sslmode && { PGSSLMODE: sslmode }), ...(sslrootcert && { PGSSLROOTCERT: sslrootcert }) };
}
