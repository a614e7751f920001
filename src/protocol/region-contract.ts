import { oc } from '@orpc/contract';
import { z } from 'zod';
import { AppName, PartName, RegionName } from './app-record/names.ts';
import { AppRecord, AppView, RecordPart } from './app-record/record.ts';
import { FoundProject, ReadHints } from './discovery.ts';
import { EpochRecord, Gate, GateMetrics } from './gate.ts';
import { Carrier, CheckResult, CopyLimit, Pressure, StoreReport, SwitchReport } from './migration.ts';
import { ProxyPlace } from './proxy.ts';

/** What an agent answers to the control plane, over mutual TLS. Agents talk to each other by link.ts instead. */

const MigrationId = z.uuid();
const none = z.object({});

/** Where a region's agent and router can be reached by other regions. */
export const RegionAddress = z.object({
  region: RegionName,
  host: z.string(),
  port: z.number().int(),
  ingressPort: z.number().int(),
});
export type RegionAddress = z.infer<typeof RegionAddress>;

export const RegionInfo = z.object({
  address: RegionAddress,
  version: z.string(),
  protocol: z.number().int(),
  platform: z.string(),
  arch: z.string(),
  /** The C library, which sorts text for databases, such as `glibc 2.36`; null where it is another one. */
  libc: z.string().nullable().default(null),
  cpus: z.number().int(),
  memoryBytes: z.number(),
  freeMemoryBytes: z.number(),
  diskFreeBytes: z.number(),
  publicHttpPort: z.number().int(),
  publicHttpsPort: z.number().int().nullable(),
  runtimes: z.array(z.string()),
  engines: z.array(z.object({ engine: z.string(), versions: z.array(z.string()), plans: z.array(z.string()) })),
});
export type RegionInfo = z.infer<typeof RegionInfo>;

export const ProcessView = z.object({
  id: z.string(),
  type: z.string(),
  index: z.number().int(),
  state: z.enum(['starting', 'running', 'stopped', 'backing-off', 'scheduled']),
  pid: z.number().int().nullable(),
  restarts: z.number().int(),
  since: z.iso.datetime(),
  command: z.string(),
});
export type ProcessView = z.infer<typeof ProcessView>;

export const StoreMeasure = z.object({
  name: PartName,
  kind: z.enum(['database', 'files']),
  engine: z.string().nullable(),
  version: z.string().nullable(),
  plan: z.string().nullable(),
  bytes: z.number(),
  items: z.number(),
  notMoved: z.array(z.string()),
  findings: z.array(CheckResult),
  carriers: z.array(Carrier),
  /** Of an addon that is in another region already: which. */
  region: z.string().nullable().default(null),
  /** Why nothing can be brought back into it after a switch. */
  noWayBack: z.string().optional(),
});
export type StoreMeasure = z.infer<typeof StoreMeasure>;

const Desired = z.enum(['running', 'stopped']);
const app = z.object({ app: AppName });
const moving = z.object({ app: AppName, migration: MigrationId });
/** With the epoch that a switch makes. */
const turning = moving.extend({ epoch: z.number().int().positive() });

export const AllowLive = z.object({
  addon: PartName,
  budgetMs: z.number().int().min(100).max(60_000).default(30_000),
  waitMs: z.number().int().nonnegative().max(590_000).default(300_000),
});
export const AllowedLive = z.object({ restarted: z.boolean(), heldMs: z.number(), held: z.number().int() });
export type AllowedLive = z.infer<typeof AllowedLive>;

export const Restart = z.object({ budgetMs: z.number().int().min(100).max(300_000).default(30_000) });
export const Restarted = z.object({ heldMs: z.number(), held: z.number().int() });
export type Restarted = z.infer<typeof Restarted>;

export const Adopt = z.object({
  project: z.string().min(1),
  app: AppName.optional(),
  hints: ReadHints.optional(),
  proxy: ProxyPlace.optional(),
});

const apps = {
  list: oc.output(z.array(AppView)),
  /** What runs on this host under Docker. Reads, and changes nothing. */
  discover: oc.output(z.array(FoundProject)),
  /** A project that runs here becomes an app of this region. Nothing of it changes. */
  adopt: oc.input(Adopt).output(AppView),
  get: oc.input(app).output(AppView),
  /** Creates or updates. Never half-applies. The archive of `record.build` was uploaded before. */
  apply: oc.input(z.object({ record: AppRecord })).output(AppView),
  remove: oc.input(app.extend({ evenIfLent: z.boolean().default(false) })).output(none),
  start: oc.input(app).output(AppView),
  stop: oc.input(app).output(AppView),
  /** Nobody notices. Answers how long requests were held, milliseconds, and how many. */
  restart: oc.input(app.merge(Restart)).output(Restarted),
  scale: oc
    .input(
      app.extend({ type: PartName, amount: z.number().int().min(0).max(10).optional(), size: z.string().optional() }),
    )
    .output(AppView),
  environment: oc.input(app).output(z.record(z.string(), z.string())),
  /**
   * The setting that following live needs, with the restart of the database that it asks for while the gate holds. Where
   * Storky does not run it, `waitMs` is how long its restart may be away; the hold begins with it.
   */
  allowLive: oc.input(app.merge(AllowLive)).output(AllowedLive),
  setEnvironment: oc
    .input(app.extend({ set: z.record(z.string(), z.string()), unset: z.array(z.string()) }))
    .output(none),
  logs: oc
    .input(app.extend({ type: z.string().optional(), lines: z.number().int().positive().max(10_000).default(100) }))
    .output(z.array(z.object({ process: z.string(), line: z.string() }))),
  processes: oc.input(app).output(z.array(ProcessView)),
  metrics: oc.input(app).output(z.object({ gate: Gate, metrics: GateMetrics })),
};

/** To the region that the app leaves. Nothing here destroys anything. */
const source = {
  /** Settings become read-only, and the peer may read what this migration needs. Idempotent. */
  lock: oc.input(moving.extend({ peer: RegionAddress, peerApp: AppName })).output(none),
  unlock: oc.input(moving).output(none),
  measure: oc.input(app).output(z.array(StoreMeasure)),
  /** The checks that only the source can make, such as environment values that name this host. */
  check: oc.input(app).output(z.array(CheckResult)),
  /** Round trip to the peer's agent and router ports, milliseconds. Throws region_unreachable. */
  reach: oc.input(z.object({ peer: RegionAddress })).output(z.object({ roundTripMs: z.number() })),
  /** SHA-256 of one part of the record, in canonical form, for reading back. */
  digest: oc.input(app.extend({ part: RecordPart })).output(z.object({ digest: z.string(), items: z.number().int() })),
  /** Lines that the app's pending-migrations command prints. */
  pendingMigrations: oc.input(app).output(z.array(z.string())),
  /** Builds what following needs on the source (slot, publication, watcher). Idempotent. */
  openStore: oc.input(moving.extend({ store: PartName })).output(z.object({ fresh: z.boolean() })),
  /** Carrier `remote`: the peer's app may use the addon where it is, also after the migration. Idempotent. */
  lend: oc.input(moving.extend({ store: PartName })).output(none),
  /** Throws what would keep a switch from ending in time. Holds nothing. */
  ready: oc.input(moving).output(none),
  /** Stops workers and schedules, not web. */
  quiesce: oc.input(moving).output(none),
  /** Starts again what `quiesce` stopped. */
  resume: oc.input(moving).output(none),
  /** Carrier `backup`: the whole app stops; its gate holds nothing and answers 503. */
  stopApp: oc.input(moving).output(none),
  /** Starts again what `stopApp` stopped, which makes the backup stale. */
  startApp: oc.input(moving).output(none),
  /** What its owner wants of the app, whatever a migration does with it meanwhile. */
  desired: oc.input(app).output(z.object({ desired: Desired })),
  /** The switch (invariants 1 to 5, 8, 9). Asked again with the same epoch, it answers with the recorded result. */
  switch: oc
    .input(moving.extend({ epoch: z.number().int().positive(), budgetMs: z.number().int().positive() }))
    .output(SwitchReport),
  /** Is a switch being made at this moment? Then it is joined, by `switch`, and nothing is prepared. */
  switching: oc.input(app).output(z.object({ running: z.boolean() })),
  epoch: oc.input(app).output(EpochRecord),
  /** Before the switch to `epoch`: proves that the target's stream back can be followed from here. Changes nothing. */
  proveWayBack: oc.input(turning).output(none),
  /** After the switch to `epoch`: this side, sealed, becomes the copy of the other one. Goes on by itself. Idempotent. */
  followBack: oc.input(turning).output(none),
  /** How far the copies are that follow the other side from here. */
  followingBack: oc.input(moving).output(z.array(StoreReport)),
  /** What this side keeps for a peer that follows it, and the room that is left, bytes; or why it keeps nothing any more. */
  retained: oc
    .input(moving)
    .output(z.object({ bytes: z.number(), diskFreeBytes: z.number(), givenUp: z.string().nullable() })),
  /** Removes what the migration made on this side, or what it made for one store: slots, roles, watchers. Idempotent. */
  close: oc.input(moving.extend({ store: PartName.optional() })).output(none),
};

/** To the region that the app goes to. */
const target = {
  /** The checks that only the target can make: name, room, engines, plans. */
  check: oc
    .input(z.object({ app: AppName, migration: MigrationId, record: AppRecord, bytes: z.number() }))
    .output(z.array(CheckResult)),
  /** Addresses of databases that Storky does not run, by addon, for this migration to fill. Secret; kept by this agent alone. */
  offer: oc.input(moving.extend({ addresses: z.record(PartName, z.string().min(1)) })).output(none),
  /** The addons that an address was given for, with what these databases lack to follow live; each with the engine that it has on the source. */
  offered: oc
    .input(moving.extend({ engines: z.record(PartName, z.string()) }))
    .output(z.array(z.object({ name: PartName, findings: z.array(CheckResult) }))),
  reach: oc.input(z.object({ peer: RegionAddress })).output(z.object({ roundTripMs: z.number() })),
  create: oc
    .input(moving.extend({ from: RegionAddress, sourceApp: AppName, desired: Desired.default('running') }))
    .output(z.object({ appId: z.string() })),
  import: oc.input(moving.extend({ part: RecordPart })).output(none),
  /** Takes an imported part away again. */
  clear: oc.input(moving.extend({ part: RecordPart })).output(none),
  digest: oc.input(app.extend({ part: RecordPart })).output(z.object({ digest: z.string(), items: z.number().int() })),
  provision: oc.input(moving.extend({ store: PartName })).output(none),
  /** Instead of provisioning: the app gets a port here that leads to the addon on the other side, which was lent. Idempotent. */
  useRemotely: oc.input(moving.extend({ store: PartName })).output(none),
  deprovision: oc.input(moving.extend({ store: PartName })).output(none),
  /** For all that the migration copies, from now on. With `insists` it is the pace, however the source fares. Idempotent. */
  limit: oc.input(moving.extend({ copyLimit: CopyLimit, insists: z.boolean().default(false) })).output(none),
  /** How the source fared while this side copied; null before. */
  pressure: oc.input(moving).output(Pressure.nullable()),
  /** Starts the carrier's job, or goes on with it; `stores` tells how far it is. */
  carry: oc.input(moving.extend({ store: PartName, carrier: Carrier })).output(none),
  stopCarrying: oc.input(moving.extend({ store: PartName })).output(none),
  /** Compares again at a known position; what differs is an error. `items` are rows or files. */
  verify: oc.input(moving.extend({ store: PartName })).output(z.object({ items: z.number().int() })),
  /** The same before a switch, where only what has changed since is read; a store that needs no such look has 0 items. */
  verifyChanged: oc.input(moving.extend({ store: PartName })).output(z.object({ items: z.number().int() })),
  stores: oc.input(moving).output(z.array(StoreReport)),
  startWeb: oc.input(moving).output(z.object({ previewUrl: z.string() })),
  stopWeb: oc.input(moving).output(none),
  /** Proves marker path and link before anything is held; measures the round trip. */
  rehearse: oc.input(moving).output(z.object({ roundTripMs: z.number() })),
  startWorkers: oc.input(moving).output(none),
  epoch: oc.input(app).output(EpochRecord),
  /** Before the switch to `epoch`: makes on this copy what the stream back will need (invariant 7). Idempotent. */
  openWayBack: oc.input(turning).output(none),
  /** Takes `openWayBack` away again. */
  closeWayBack: oc.input(moving).output(none),
  /** What this side lent by the migration is its own again: the app is served here, and cannot go back. Idempotent. */
  endLoans: oc.input(moving).output(none),
  /** Removes what following made on this side; the data stays. */
  close: oc.input(moving).output(none),
  /** The end: this side, passive and sealed, follows no more and forgets the migration. Its gate goes on forwarding. */
  forget: oc.input(moving).output(none),
  /** Undoes `create`: app, builds, databases, files. Refused once the app was active here. */
  remove: oc.input(moving).output(none),
};

export const regionContract = { info: oc.output(RegionInfo), apps, source, target };
