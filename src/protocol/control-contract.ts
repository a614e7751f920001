import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { AppName, PartName, RegionName } from './app-record/names.ts';
import { AppRecord, AppView } from './app-record/record.ts';
import { FoundProject } from './discovery.ts';
import { Gate, GateMetrics } from './gate.ts';
import { Carrier, CopyLimit, Migration, Phase } from './migration.ts';
import {
  Adopt,
  AllowedLive,
  AllowLive,
  ProcessView,
  RegionAddress,
  RegionInfo,
  Restart,
  Restarted,
} from './region-contract.ts';
import { SshReach } from './ssh-reach.ts';

/** What the server answers to the CLI, the console and scripts. Paths follow the region-migration API that its users know. */

const v1 = oc;
const inRegion = z.object({ region: RegionName.optional() });
const app = inRegion.extend({ app: AppName });
const one = z.object({ app: AppName, id: z.string() });
const none = z.object({});

export const RegionView = z.object({
  name: RegionName,
  status: z.enum(['awaiting-agent', 'reachable', 'unreachable']),
  address: RegionAddress.nullable(),
  info: RegionInfo.nullable(),
  detail: z.string().nullable(),
  /** How its host is reached, where it was added over SSH. */
  ssh: z.string().nullable().default(null),
});
export type RegionView = z.infer<typeof RegionView>;

const regions = {
  list: v1.route({ method: 'GET', path: '/regions' }).output(z.array(RegionView)),
  /** The token enrols one agent, once, within a day. */
  add: v1
    .route({ method: 'POST', path: '/regions' })
    .input(z.object({ name: RegionName, ssh: SshReach.optional() }))
    .output(z.object({ name: RegionName, token: z.string(), expiresAt: z.iso.datetime() })),
  remove: v1
    .route({ method: 'DELETE', path: '/regions/{name}' })
    .input(z.object({ name: RegionName }))
    .output(none),
  /** Called by an agent, with its one-time token instead of a user's. */
  enrol: v1
    .route({ method: 'POST', path: '/enrol' })
    .input(z.object({ token: z.string(), csr: z.string(), address: RegionAddress.omit({ region: true }) }))
    .output(z.object({ region: RegionName, certificate: z.string(), ca: z.string() })),
};

const apps = {
  list: v1.route({ method: 'GET', path: '/apps' }).input(inRegion).output(z.array(AppView)),
  /** What runs on a region's host under Docker, whoever started it. */
  discover: v1
    .route({ method: 'GET', path: '/regions/{region}/discovered' })
    .input(z.object({ region: RegionName }))
    .output(z.array(FoundProject)),
  /** A project of containers that runs on a region's host becomes an app; nothing of it changes. */
  adopt: v1
    .route({ method: 'POST', path: '/regions/{region}/adopted' })
    .input(Adopt.extend({ region: RegionName }))
    .output(AppView),
  get: v1.route({ method: 'GET', path: '/apps/{app}' }).input(app).output(AppView),
  /** The build's archive goes up first: PUT /v1/regions/{region}/builds/{sha256}. */
  apply: v1
    .route({ method: 'PUT', path: '/apps' })
    .input(z.object({ region: RegionName, record: AppRecord }))
    .output(AppView),
  remove: v1
    .route({ method: 'DELETE', path: '/apps/{app}' })
    .input(app.extend({ evenIfLent: z.boolean().default(false) }))
    .output(none),
  start: v1.route({ method: 'POST', path: '/apps/{app}/start' }).input(app).output(AppView),
  stop: v1.route({ method: 'POST', path: '/apps/{app}/stop' }).input(app).output(AppView),
  restart: v1.route({ method: 'POST', path: '/apps/{app}/restart' }).input(app.merge(Restart)).output(Restarted),
  scale: v1
    .route({ method: 'POST', path: '/apps/{app}/scale' })
    .input(
      app.extend({ type: PartName, amount: z.number().int().min(0).max(10).optional(), size: z.string().optional() }),
    )
    .output(AppView),
  environment: v1
    .route({ method: 'GET', path: '/apps/{app}/variables' })
    .input(app)
    .output(z.record(z.string(), z.string())),
  setEnvironment: v1
    .route({ method: 'PUT', path: '/apps/{app}/variables' })
    .input(app.extend({ set: z.record(z.string(), z.string()), unset: z.array(z.string()) }))
    .output(none),
  allowLive: v1
    .route({ method: 'POST', path: '/apps/{app}/addons/{addon}/allow_live' })
    .input(app.merge(AllowLive))
    .output(AllowedLive),
  logs: v1
    .route({ method: 'GET', path: '/apps/{app}/logs' })
    .input(
      app.extend({ type: z.string().optional(), lines: z.coerce.number().int().positive().max(10_000).default(100) }),
    )
    .output(z.array(z.object({ process: z.string(), line: z.string() }))),
  processes: v1.route({ method: 'GET', path: '/apps/{app}/ps' }).input(app).output(z.array(ProcessView)),
  metrics: v1
    .route({ method: 'GET', path: '/apps/{app}/metrics' })
    .input(app)
    .output(z.object({ gate: Gate, metrics: GateMetrics })),
};

export const RunnablePhase = Phase;

const migrations = {
  list: v1
    .route({ method: 'GET', path: '/apps/{app}/region_migrations' })
    .input(z.object({ app: AppName }))
    .output(z.array(Migration)),
  create: v1
    .route({ method: 'POST', path: '/apps/{app}/region_migrations', successStatus: 201 })
    .input(
      z.object({
        app: AppName,
        from: RegionName.optional(),
        destination: RegionName,
        dstAppName: AppName.optional(),
        carriers: z.record(PartName, Carrier).default({}),
        /** Of databases that Storky does not run, for the move to fill: secret, and kept by the target's agent alone. */
        addresses: z.record(PartName, z.string().min(1)).default({}),
        budgetMs: z.number().int().min(100).max(60_000).default(10_000),
        copyLimit: CopyLimit.default(null),
      }),
    )
    .output(Migration),
  /** Bytes a second for all that is copied, from now on; null: as fast as the source bears. */
  limit: v1
    .route({ method: 'PUT', path: '/apps/{app}/region_migrations/{id}/limit' })
    .input(one.extend({ copyLimit: CopyLimit }))
    .output(Migration),
  show: v1.route({ method: 'GET', path: '/apps/{app}/region_migrations/{id}' }).input(one).output(Migration),
  /** Of one that was only checked, and has changed nothing: it leaves the list. Throws wrong_phase for any other. */
  remove: v1.route({ method: 'DELETE', path: '/apps/{app}/region_migrations/{id}' }).input(one).output(none),
  /** Answers at once; the phase goes on in the background, also when the caller leaves. A failed phase goes on from its failed step. */
  run: v1
    .route({ method: 'POST', path: '/apps/{app}/region_migrations/{id}/run' })
    .input(
      one.extend({
        step: RunnablePhase,
        budgetMs: z.number().int().min(100).max(60_000).optional(),
        withoutWayBack: z.boolean().optional(),
        /** Rollback: addons that stay where the switch brought them, and are used from afar. */
        leave: z.array(PartName).default([]),
      }),
    )
    .output(Migration),
  /** The migration now, then at every change; ends when no phase is running. */
  watch: v1
    .route({ method: 'GET', path: '/apps/{app}/region_migrations/{id}/watch' })
    .input(one)
    .output(eventIterator(Migration)),
};

const tokens = {
  list: v1
    .route({ method: 'GET', path: '/tokens' })
    .output(z.array(z.object({ id: z.string(), name: z.string(), createdAt: z.iso.datetime() }))),
  create: v1
    .route({ method: 'POST', path: '/tokens' })
    .input(z.object({ name: z.string().min(1) }))
    .output(z.object({ id: z.string(), token: z.string() })),
  revoke: v1
    .route({ method: 'DELETE', path: '/tokens/{id}' })
    .input(z.object({ id: z.string() }))
    .output(none),
};

export const controlContract = { regions, apps, migrations, tokens };
