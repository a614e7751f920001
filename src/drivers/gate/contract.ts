import { z } from 'zod';
import { AppName } from '../../protocol/app-record/names.ts';
import { ProxyPlace } from '../../protocol/proxy.ts';

/**
 * How the gate comes in front of an app that runs already, without touching it: nothing of the user's is recreated, and
 * after `remove` everything is byte for byte as it was.
 *
 * Order of use: make the router listen (`Gate.entries` in the protocol), `check`, keep the order durably, `insert`, then
 * `keepGate` (keeper.ts) for as long as the gate shall be in. An agent that starts again only calls `keepGate`; one that
 * finds an order it wants no more calls `remove`. Every verb is idempotent and finds out for itself what is there.
 */
export interface GateDriver {
  readonly name: string;
  /** Whether it can work here, and how well; changes nothing. */
  check(order: GateOrder): Promise<GateCheck>;
  /** All of it or nothing. From now on new connections come to the router's ports. Throws `gate_not_inserted`. */
  insert(order: GateOrder): Promise<void>;
  /**
   * Where what was inserted ends by itself: keeps it in for another `gateLifeMs`. To be called by `keepGate` alone, while
   * the router accepts connections. When nobody calls it any more, because everybody is dead, traffic flows as before.
   */
  renew?(order: GateOrder): Promise<void>;
  /** Ends the effect at once and keeps the rest: for a router that is known to be away. `renew` takes it back. */
  lapse?(order: GateOrder): Promise<void>;
  verify(order: GateOrder): Promise<Standing>;
  /** Throws `gate_not_removed` where somebody else has changed what was inserted, so that it cannot be told apart. */
  remove(order: GateOrder): Promise<void>;
}

/** in: all of it. out: nothing of it. partly: something else has changed it; `insert` and `remove` both mend that. */
export type Standing = 'in' | 'out' | 'partly';

export type GateCheck =
  /** In words, `notes`: what changes for visitors; `gap`: who would go past the gate on this host, and how to mend that. */
  { possible: true; notes: string[]; gap?: string } | { possible: false; why: string; remedy: string };

/** How traffic comes to an entry of the app today. */
export const Way = z.discriminatedUnion('kind', [
  /** A port of the host, published for the container. `address`: the only one on which it is published; null for all. */
  z.object({ kind: z.literal('published'), address: z.string().nullable(), port: z.number().int() }),
  /** The container's own address and port, as other containers of its networks and proxies in containers use it. */
  z.object({ kind: z.literal('container'), address: z.string(), port: z.number().int() }),
]);
export type Way = z.infer<typeof Way>;

export const GateEntry = z.object({
  /** Its name in `Gate.entries`. */
  name: z.string(),
  /** The router's port for it, on every address of the host. */
  routerPort: z.number().int().positive(),
  /** All ways to all containers of this entry. The router itself goes to containers' addresses. */
  ways: z.array(Way),
});
export type GateEntry = z.infer<typeof GateEntry>;

/** Kept by the caller, durably, from before `insert` until after `remove`. */
export const GateOrder = z.object({
  app: AppName,
  entries: z.array(GateEntry).min(1),
  /** For drivers that change a proxy: the proxy, the host:port by which it reaches the app, and the router's. */
  proxy: z.object({ place: ProxyPlace, upstreams: z.array(z.string()).min(1), router: z.string() }).optional(),
  /** A folder of this order's own, where a driver may keep what it has replaced. */
  folder: z.string(),
});
export type GateOrder = z.infer<typeof GateOrder>;

/** For so long what was inserted goes on by itself. */
export const gateLifeMs = 3_000;

/** A connection that was open before the gate came in, and goes past it. */
export interface Passing {
  /** `address:port` of both ends, as the app's container sees them. */
  client: string;
  app: string;
}
