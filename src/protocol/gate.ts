import { z } from 'zod';

/**
 * The gate: the switchable entry of an app in its region's router.
 * serve: to the app's processes here. hold: wait, within bounds. forward: to the peer region's router.
 */
export const GateState = z.enum(['serve', 'hold', 'forward']);
export type GateState = z.infer<typeof GateState>;

export const HoldLimits = z.object({
  /** Longest that a request waits, milliseconds; then the gate settles (invariant 4). */
  budgetMs: z.number().int().positive().default(10_000),
  /** Waiting requests, and bytes of their bodies kept in memory; the next one gets 503 with Retry-After. */
  maxRequests: z.number().int().positive().default(10_000),
  maxBytes: z
    .number()
    .int()
    .positive()
    .default(64 * 1024 * 1024),
});
export type HoldLimits = z.infer<typeof HoldLimits>;

export const ForwardTarget = z.object({
  /** Name of the peer region: the forwarding connection pins its certificate to it. */
  region: z.string(),
  host: z.string(),
  port: z.number().int(),
  /** Name of the app there; it is not always the same. */
  app: z.string(),
  /** The switch by which it came to be there: where two regions forward to each other, the higher one is right. */
  epoch: z.number().int().nonnegative().default(0),
});
export type ForwardTarget = z.infer<typeof ForwardTarget>;

/**
 * A port of the router on which everything is for one app, whatever host it names: what packet rules or a proxy in front
 * turn there. `tcp` passes bytes on as they are. The peer region's entry of the same name takes what is forwarded.
 */
export const EntryPort = z.object({
  name: z.string(),
  protocol: z.enum(['http', 'tcp']),
  /** Listened on there, by default at the same host as the router's HTTP port; taken again after a restart. */
  host: z.string().optional(),
  port: z.number().int().positive(),
  /** `host:port` of this entry's processes in this region. */
  upstreams: z.array(z.string()),
});
export type EntryPort = z.infer<typeof EntryPort>;

export const Gate = z.object({
  app: z.string(),
  /** Host names whose requests come to this gate, lower case, no port. */
  hosts: z.array(z.string()),
  /** Host names that reach the processes even while the gate holds (health checks, preview). */
  previewHosts: z.array(z.string()).default([]),
  /** `host:port` of the web processes in this region. */
  upstreams: z.array(z.string()),
  entries: z.array(EntryPort).default([]),
  state: GateState,
  forward: ForwardTarget.nullable().default(null),
  limits: HoldLimits.default({ budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 }),
  /** While holding for a switch: the epoch it would make, and the agent's durable record of the epoch. */
  epoch: z.number().int().nullable().default(null),
  epochFile: z.string().nullable().default(null),
  forceHttps: z.boolean().default(false),
  canonicalHost: z.string().nullable().default(null),
  stickySessions: z.boolean().default(false),
});
export type Gate = z.infer<typeof Gate>;

export const GateMetrics = z.object({
  requests: z.number().int(),
  held: z.number().int(),
  failed: z.number().int(),
  refused: z.number().int(),
  forwarded: z.number().int(),
  inFlight: z.number().int(),
  waiting: z.number().int(),
  longLived: z.number().int(),
  longestWaitMs: z.number(),
});
export type GateMetrics = z.infer<typeof GateMetrics>;

/** How long the app took to begin its answers, milliseconds. */
export const Percentiles = z.object({ count: z.number().int(), p50Ms: z.number(), p99Ms: z.number() });
export type Percentiles = z.infer<typeof Percentiles>;
/** In the last seconds, and since somebody has watched without a longer pause. */
export const Latency = z.object({ window: Percentiles, whole: Percentiles });
export type Latency = z.infer<typeof Latency>;

/** The agent's durable word on who serves the app: invariants 1 and 5. Written atomically and fsynced, read by the router too. */
export const EpochRecord = z.object({
  epoch: z.number().int().nonnegative(),
  role: z.enum(['active', 'passive']),
  migration: z.string().nullable(),
  peer: z.string().nullable(),
  at: z.iso.datetime(),
  /** On the side that became passive: where the way back of each store begins (invariant 7). Written in the same moment. */
  turns: z.record(z.string(), z.string()).optional(),
});
export type EpochRecord = z.infer<typeof EpochRecord>;

/** What the agent asks of the router, over a Unix socket, one JSON object a line: `{id, op, ...}` → `{id, ok, result}` or `{id, error}`. */
export const RouterRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('status') }),
  z.object({ op: z.literal('put'), gate: Gate }),
  z.object({ op: z.literal('remove'), app: z.string() }),
  /** Whatever the gate does now, it goes on with it. */
  z.object({
    op: z.literal('upstreams'),
    app: z.string(),
    upstreams: z.array(z.string()),
    entries: z.array(EntryPort).optional(),
  }),
  /** A switch is near: where it will forward to, and nothing else of the gate. Answers when the way there is open, or soon. */
  z.object({ op: z.literal('warm'), app: z.string(), to: ForwardTarget }),
  z.object({
    op: z.literal('hold'),
    app: z.string(),
    limits: HoldLimits,
    epoch: z.number().int(),
    epochFile: z.string(),
  }),
  /** Answers when nothing is in flight, or at the deadline with what is left. Long-lived connections are told to reconnect (invariant 9). */
  z.object({ op: z.literal('drain'), app: z.string(), deadlineMs: z.number().int() }),
  z.object({ op: z.literal('serve'), app: z.string() }),
  z.object({ op: z.literal('forward'), app: z.string(), to: ForwardTarget }),
  z.object({ op: z.literal('metrics'), app: z.string() }),
  z.object({ op: z.literal('latency'), app: z.string() }),
  z.object({
    op: z.literal('certificates'),
    certificates: z.array(z.object({ host: z.string(), cert: z.string(), key: z.string() })),
  }),
]);
export type RouterRequest = z.infer<typeof RouterRequest>;
