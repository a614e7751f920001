import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { GateOrder, Way } from '../contract.ts';

/** One way of traffic to the app, and the port of the router to which it is turned. */
export interface Turn {
  way: Way;
  routerPort: number;
}

export const turnsOf = ({ entries }: GateOrder): Turn[] =>
  entries.flatMap(({ ways, routerPort }) => ways.map((way) => ({ way, routerPort })));

/** What the host's own processes use too: a proxy on the host, or `curl localhost`. The router uses none of them. */
export const alsoFromTheHost = ({ way }: Turn): boolean => way.kind === 'published';

export type Family = 'ip' | 'ip6';

export function familiesOf({ way: { address } }: Turn): Family[] {
  if (address === null) return ['ip', 'ip6'];
  return [isIPv6(address) ? 'ip6' : 'ip'];
}

/** In the comment of every rule: whose it is, and by which order it was made. */
export const commentOf = (order: GateOrder): string => `${commentPrefix(order.app)}${digestOf(order)}`;
export const commentPrefix = (app: string): string => `storky:${app}:`;

const digestOf = (order: GateOrder): string =>
  createHash('sha256')
    .update(JSON.stringify(turnsOf(order)))
    .digest('hex')
    .slice(0, 12);
