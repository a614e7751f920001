import type { GateDriver, GateOrder } from './contract.ts';
import { packetRules } from './packet-rules/driver.ts';
import { caddy } from './proxy/caddy.ts';
import { nginx } from './proxy/nginx.ts';
import { traefik } from './proxy/traefik.ts';

const proxies: Record<string, GateDriver> = { caddy, nginx, traefik };

/** The one that an order is for: packet rules, unless it names a proxy in front. */
export const gateDriverFor = ({ proxy }: GateOrder): GateDriver => (proxy ? proxies[proxy.place.kind]! : packetRules);
