import { StorkyError } from '../../../../protocol/errors.ts';

interface ReadAddress {
  host: string;
  port: number;
  adminUser: string;
  adminPassword: string;
  parameters: Record<string, string>;
}

const known = ['cacert', 'insecure'];

/** `redis[s]://admin:password@host:6379`; without a name it is `default`. Nothing of it is said in an error: it holds a password. */
export function readAddress({ addon, address }: { addon: string; address: string }): ReadAddress {
  const wrong = (detail: string) => new StorkyError('bad_request', { detail, field: `addons.${addon}.address` });
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname)
    throw wrong('it has the form redis://ADMIN:PASSWORD@HOST:PORT, or rediss:// where it is encrypted');
  if (!url.password) throw wrong('it names an administrator and the password');
  if (!['', '/', '/0'].includes(url.pathname)) throw wrong('it names no database: the server is moved as a whole');
  const encrypted = url.protocol === 'rediss:';
  const parameters = Object.fromEntries(url.searchParams);
  const strange = Object.keys(parameters).find((name) => !encrypted || !known.includes(name));
  if (strange) throw wrong(`the parameter ${strange} is not known; with rediss:// there are ${known.join(' and ')}`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6379),
    adminUser: decodeURIComponent(url.username) || 'default',
    adminPassword: decodeURIComponent(url.password),
    parameters: { tls: encrypted ? 'yes' : 'no', ...parameters },
  };
}
