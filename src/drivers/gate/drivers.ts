import type { GateDriver, GateOrder } from './contract.ts';
import { inFront } from './in-front.ts';
import { packetRules } from './packet-rules/driver.ts';
import { caddy } from './proxy/caddy.ts';
import { haproxy } from './proxy/haproxy.ts';
import { nginx } from './proxy/nginx.ts';
import { traefik } from './proxy/traefik.ts';

/** Each alone. */
export const proxies: Record<string, GateDriver> = { caddy, haproxy, nginx, traefik };

const withRules = Object.fromEntries(
  Object.entries(proxies).map(([kind, proxy]) => [kind, inFront(proxy, packetRules)]),
);

/** The one that an order is for: packet rules, and the proxy in front where it names one. */
export const gateDriverFor = ({ proxy }: GateOrder): GateDriver => (proxy ? withRules[proxy.place.kind]! : packetRules);
