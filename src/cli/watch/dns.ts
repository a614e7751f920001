import { isIPv4, isIPv6 } from 'node:net';

/** What each domain's DNS record should become, so that visitors reach `host` without the old gate. */
export function dnsLines(domains: string[], host: string): string[] {
  return domains.map((domain) => {
    if (isIPv4(host)) return `A record of ${domain} should become ${host}`;
    if (isIPv6(host)) return `AAAA record of ${domain} should become ${host}`;
    return `CNAME record of ${domain} should become ${host} (at the top of a zone: ALIAS or A)`;
  });
}
