import { StorkyError } from '../../../protocol/errors.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { GateOrder } from '../contract.ts';

export interface ProxyOrder<K extends ProxyPlace['kind']> {
  app: string;
  place: ProxyPlace & { kind: K };
  upstreams: string[];
  router: string;
}

/** The part of an order that is for one kind of proxy. Throws `gate_not_inserted`. */
export function proxyOrder<K extends ProxyPlace['kind']>({ app, proxy }: GateOrder, kind: K): ProxyOrder<K> {
  if (proxy?.place.kind !== kind)
    throw new StorkyError('gate_not_inserted', { app, detail: `the order is not for ${kind}` });
  return { app, place: proxy.place as ProxyOrder<K>['place'], upstreams: proxy.upstreams, router: proxy.router };
}

/** For messages. */
export const anyOf = (upstreams: string[]): string =>
  new Intl.ListFormat('en', { type: 'disjunction' }).format(upstreams);
