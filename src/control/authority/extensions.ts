import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

const bothWays = () =>
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]);
const leaf = () => new x509.BasicConstraintsExtension(false, undefined, true);
const signs = () => new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true);

export const authorityExtensions = (): x509.Extension[] => [
  new x509.BasicConstraintsExtension(true, 0, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];

/**
 * Peers look at an agent's common name only. Its alternative name can never be resolved: without one, a client that
 * checks host names would look at the common name too, and a region named like the server's host could pose as it.
 */
export const agentExtensions = (region: string): x509.Extension[] => [
  leaf(),
  signs(),
  bothWays(),
  new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: `${region}.region.storky.invalid` }]),
];

export const serverExtensions = (hosts: readonly string[]): x509.Extension[] => [
  leaf(),
  signs(),
  bothWays(),
  ...(hosts.length > 0
    ? [new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })))]
    : []),
];
