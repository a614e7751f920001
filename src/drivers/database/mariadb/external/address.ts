import { StorkyError } from '../../../../protocol/errors.ts';
import type { AdoptOrder } from '../../contract.ts';
import { modes } from './tls.ts';

export interface ReadAddress {
  host: string;
  port: number;
  adminUser: string;
  adminPassword: string;
  database: string;
  parameters: Record<string, string>;
}

const known = ['ssl-mode', 'ssl-ca'];

/** `mysql://admin:password@host:3306/database?ssl-mode=…`. Nothing of it is said in an error: it holds a password. */
export function readAddress({ addon, address }: Pick<AdoptOrder, 'addon' | 'address'>): ReadAddress {
  const wrong = (detail: string) => new StorkyError('bad_request', { detail, field: `addons.${addon}.address` });
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^(mysql|mariadb):$/.test(url.protocol))
    throw wrong('it has the form mysql://ADMIN:PASSWORD@HOST:PORT/DATABASE');
  const database = decodeURIComponent(url.pathname.slice(1));
  if (!url.username || !database || !url.hostname) throw wrong('it names a host, an account and a database');
  // The filter of a stream is a list with commas, and has no other way to say one.
  if (database.includes(',')) throw wrong('a database with a comma in its name cannot be told apart in a stream');
  const parameters = Object.fromEntries(url.searchParams);
  const strange = Object.keys(parameters).find((name) => !known.includes(name));
  if (strange) throw wrong(`the parameter ${strange} is not known; known are ${known.join(' and ')}`);
  const mode = modes.find((one) => one === (parameters['ssl-mode'] ?? 'PREFERRED').toUpperCase());
  if (!mode) throw wrong(`ssl-mode is one of ${modes.join(', ')}`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 3306),
    adminUser: decodeURIComponent(url.username),
    adminPassword: decodeURIComponent(url.password),
    database,
    parameters: { ...parameters, 'ssl-mode': mode },
  };
}
