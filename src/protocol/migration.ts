import { z } from 'zod';

/** Words, statuses and order follow the region migrations that their users know; see ARCHITECTURE.md, Words. */
export const phases = ['preflight', 'prepare', 'data', 'finalize', 'verify', 'abort', 'rollback', 'complete'] as const;
export const Phase = z.enum(phases);
export type Phase = z.infer<typeof Phase>;

export const MigrationStatus = z.enum([
  'created',
  'running',
  'preflight-success',
  'preflight-error',
  'prepared',
  'data-migrated',
  'done',
  'aborting',
  'aborted',
  'error',
  'rolling-back',
  'rolled-back',
  'completed',
]);
export type MigrationStatus = z.infer<typeof MigrationStatus>;

/** Statuses after which no phase runs by itself; `follow` ends on every one of them. */
export const restingStatuses: readonly MigrationStatus[] = [
  'preflight-success',
  'preflight-error',
  'prepared',
  'data-migrated',
  'done',
  'aborted',
  'error',
  'rolled-back',
  'completed',
];
/** Statuses after which the app is free for another migration, unless its way back is still open. */
export const finalStatuses: readonly MigrationStatus[] = [
  'preflight-error',
  'done',
  'aborted',
  'rolled-back',
  'completed',
];

/** The app is free for another migration: nothing of this one is left to do or to undo. */
export const isOver = ({
  status,
  report,
}: {
  status: MigrationStatus;
  report: { wayBack: { open: boolean } | null };
}) => finalStatuses.includes(status) && !report.wayBack?.open;

export const Carrier = z.enum(['live', 'backup', 'remote', 'provision', 'manual']);
export type Carrier = z.infer<typeof Carrier>;

/** Bytes a second; null: none. */
export const CopyLimit = z.number().int().min(100_000).nullable();

export const Progress = z.object({
  done: z.number(),
  total: z.number().nullable(),
  unit: z.enum(['bytes', 'rows', 'files', 'items', 'ms']),
  note: z.string().optional(),
});
export type Progress = z.infer<typeof Progress>;

export const StepStatus = z.enum(['running', 'done', 'skipped', 'error', 'undone']);

export const MigrationStep = z.object({
  id: z.string(),
  phase: Phase,
  name: z.string(),
  status: StepStatus,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  progress: Progress.nullable(),
  logs: z.string().nullable(),
});
export type MigrationStep = z.infer<typeof MigrationStep>;

export const CheckResult = z.object({
  id: z.string(),
  name: z.string(),
  verdict: z.enum(['pass', 'warn', 'fail', 'not-applicable']),
  detail: z.string(),
  remedy: z.string().nullable(),
});
export type CheckResult = z.infer<typeof CheckResult>;

/** What a switch measured. Times are milliseconds of the source's monotonic clock. */
export const SwitchReport = z.object({
  epoch: z.number().int(),
  outcome: z.enum(['switched', 'backed-out']),
  reason: z.string().nullable(),
  freezeMs: z.number(),
  timings: z.record(z.string(), z.number()),
  held: z.number().int(),
  longestWaitMs: z.number(),
  refused: z.number().int(),
  stores: z.record(z.string(), z.object({ markMs: z.number(), detail: z.string() })),
});
export type SwitchReport = z.infer<typeof SwitchReport>;

/** Somebody who was not let in, or not let write, where the app is not served any more (invariant 6). */
export const Stray = z.object({
  /** The account that was used. */
  who: z.string(),
  /** Where it came from, as far as the engine tells. */
  from: z.string().nullable(),
  count: z.number().int().positive(),
  lastAt: z.iso.datetime(),
});
export type Stray = z.infer<typeof Stray>;

export const StoreReport = z.object({
  name: z.string(),
  kind: z.enum(['database', 'files']),
  carrier: Carrier,
  stage: z.enum([
    'waiting',
    'provisioning',
    'copying',
    'catching-up',
    'verifying',
    'in-sync',
    'switched',
    'failed',
    /** It is not carried: the app uses it from the other region. */
    'stays',
  ]),
  progress: Progress.nullable(),
  lagBytes: z.number().nullable(),
  lagMs: z.number().nullable(),
  bytesCopied: z.number(),
  /** Its size when the preflight looked, bytes. */
  measuredBytes: z.number().optional(),
  rowsCompared: z.number().int(),
  filesCompared: z.number().int(),
  differences: z.number().int(),
  detail: z.string(),
  /** On the way back: who was refused on this side since the switch, newest first. */
  strays: z.array(Stray).optional(),
  /** Why nothing can be brought back into the source's store after a switch. */
  noWayBack: z.string().optional(),
  /** Of one that stays: where it is. */
  region: z.string().optional(),
});
export type StoreReport = z.infer<typeof StoreReport>;

/** How the source fared while its data was copied, and what the copy did about it. */
export const Pressure = z.object({
  /** What was measured: the app's answers to its visitors or, where there were too few, its stores' to a moment's work. */
  by: z.enum(['requests', 'stores']).nullable(),
  /** Of requests the 99th percentile; of stores the slowest answer. */
  beforeP99Ms: z.number().nullable(),
  duringP99Ms: z.number().nullable(),
  /** Copied, in so many seconds. */
  bytes: z.number(),
  seconds: z.number(),
  /** The sum of all streams' rests. */
  heldBackMs: z.number(),
  /** Null where the source's answers never made the copy slow down. */
  lowestBytesPerSecond: z.number().nullable(),
});
export type Pressure = z.infer<typeof Pressure>;

/** After a switch: the side that the app left follows the side that it went to, so that it can go back. */
export const WayBackReport = z.object({
  /** False where there is none, or none any more: `reason` says why. */
  open: z.boolean(),
  reason: z.string().nullable(),
  /** Of the next switch back. */
  epoch: z.number().int(),
  since: z.iso.datetime().nullable(),
  /** The copies on the side that the app left, as they were last seen. */
  stores: z.array(StoreReport),
  /** What the serving side keeps for the other one, bytes, and how much room its disk has left. */
  retainedBytes: z.number().nullable(),
  diskFreeBytes: z.number().nullable(),
});
export type WayBackReport = z.infer<typeof WayBackReport>;

/** Of an app that was stopped for the carrier `backup`: when, by the server's clock, and for how long; null while it is. */
export const StoodStill = z.object({ since: z.iso.datetime(), ms: z.number().nullable() });
export type StoodStill = z.infer<typeof StoodStill>;

export const MigrationReport = z.object({
  checks: z.array(CheckResult),
  notMoved: z.array(z.string()),
  predictedFreezeMs: z.number().nullable(),
  stores: z.array(StoreReport),
  switches: z.array(SwitchReport),
  previewUrl: z.string().nullable(),
  wayBack: WayBackReport.nullable().default(null),
  pressure: Pressure.nullable().default(null),
  stoodStill: StoodStill.nullable().default(null),
});
export type MigrationReport = z.infer<typeof MigrationReport>;

export const Migration = z.object({
  id: z.uuid(),
  srcAppName: z.string(),
  dstAppName: z.string(),
  appId: z.string(),
  newAppId: z.string().nullable(),
  source: z.string(),
  destination: z.string(),
  status: MigrationStatus,
  /** Where the last failed phase goes on from; null when nothing failed. */
  failedPhase: Phase.nullable(),
  carriers: z.record(z.string(), Carrier),
  budgetMs: z.number().int(),
  /** Bytes a second, for all that is copied; null: as fast as the source bears. */
  copyLimit: CopyLimit.default(null),
  /** The user wants no way back after the switch. */
  withoutWayBack: z.boolean().default(false),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  steps: z.array(MigrationStep),
  report: MigrationReport,
});
export type Migration = z.infer<typeof Migration>;
