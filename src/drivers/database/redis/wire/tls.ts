import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { DatabaseInstance } from '../../contract.ts';

/** What the address asks for, in the words of redis-cli. `cacert` is a file on this host. */
export function tlsOf({ host, external }: Pick<DatabaseInstance, 'host' | 'external'>): ConnectionOptions | undefined {
  const { tls, cacert, insecure } = external?.parameters ?? {};
  if (tls !== 'yes') return undefined;
  return {
    ...(cacert && { ca: readFileSync(cacert, 'utf8') }),
    ...(!isIP(host) && { servername: host }),
    rejectUnauthorized: insecure !== 'yes',
  };
}
