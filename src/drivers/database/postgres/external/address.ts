import { StorkyError } from '../../../../protocol/errors.ts';
import type { AdoptOrder } from '../../contract.ts';

export interface ReadAddress {
  host: string;
  port: number;
  adminUser: string;
  adminPassword: string;
  database: string;
  parameters: Record<string, string>;
}

const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const known = ['sslmode', 'sslrootcert'];

/** `postgresql://admin:password@host:5432/database?sslmode=…`. Nothing of it is said in an error: it holds a password. */
export function readAddress({ addon, address }: AdoptOrder): ReadAddress {
  const wrong = (detail: string) => new StorkyError('bad_request', { detail, field: `addons.${addon}.address` });
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol))
    throw wrong('it has the form postgresql://ADMIN:PASSWORD@HOST:PORT/DATABASE');
  const database = decodeURIComponent(url.pathname.slice(1));
  if (!url.username || !database || !url.hostname) throw wrong('it names a host, an account and a database');
  const parameters = Object.fromEntries(url.searchParams);
  const strange = Object.keys(parameters).find((name) => !known.includes(name));
  if (strange) throw wrong(`the parameter ${strange} is not known; known are ${known.join(' and ')}`);
  if (!modes.includes(parameters.sslmode ?? 'prefer')) throw wrong(`sslmode is one of ${modes.join(', ')}`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 5432),
    adminUser: decodeURIComponent(url.username),
    adminPassword: decodeURIComponent(url.password),
    database,
    parameters,
  };
}
