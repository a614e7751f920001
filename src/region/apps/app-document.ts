import { z } from 'zod';
import { AppRecord } from '../../protocol/app-record/record.ts';
import { ReadHints } from '../../protocol/discovery.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { ForwardTarget } from '../../protocol/gate.ts';
import { ProxyPlace } from '../../protocol/proxy.ts';
import { RegionAddress } from '../../protocol/region-contract.ts';

const documentVersion = 1;

const ProvisionOrder = z.object({
  app: z.string(),
  addon: z.string(),
  plan: z.string(),
  version: z.string(),
  database: z.string(),
  user: z.string(),
  password: z.string(),
  folder: z.string(),
  address: z.string().optional(),
  take: z.boolean().optional(),
});

const DatabaseInstance = ProvisionOrder.extend({
  engine: z.string(),
  host: z.string(),
  port: z.number().int(),
  adminUser: z.string(),
  adminPassword: z.string(),
  external: z
    .object({
      parameters: z.record(z.string(), z.string()),
      before: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  guest: z
    .object({
      exec: z.array(z.string()),
      container: z.string(),
      gateway: z.string(),
      forgets: z.literal(true).optional(),
    })
    .optional(),
});

/** An addon that is in another region: the app reaches it through a port of this agent's (remote-addons.ts). */
const RemoteAddon = ProvisionOrder.omit({ app: true, folder: true }).extend({
  engine: z.string(),
  /** On loopback. Kept over restarts, since the app's url names it. */
  port: z.number().int(),
  peer: RegionAddress,
  /** Whose it is over there. */
  peerApp: z.string(),
  /** By which it was lent. */
  migration: z.uuid(),
});
export type RemoteAddon = z.infer<typeof RemoteAddon>;

/** An addon of this app that an app of another region uses from there: a grant that lasts until it is given back. */
const Loan = z.object({ addon: z.string(), migration: z.uuid(), region: z.string(), app: z.string() });
export type Loan = z.infer<typeof Loan>;

/** A proxy before one of the project's entries, and by which addresses it may know it: those from when the gate came in. */
const Front = z.object({ place: ProxyPlace, entry: z.string(), upstreams: z.array(z.string()) });
export type Front = z.infer<typeof Front>;

/** What the agent knows of one app. Holds secrets; never leaves the agent as a whole. */
export const AppDocument = z.object({
  version: z.literal(documentVersion),
  id: z.uuid(),
  record: AppRecord,
  instances: z.array(DatabaseInstance),
  /** Written before an engine is asked for a database, so that one half made is found after a crash. */
  provisioning: z.array(z.object({ engine: z.string(), order: ProvisionOrder })),
  remotes: z.array(RemoteAddon).default([]),
  loans: z.array(Loan).default([]),
  /** Where the app is in its life; `creating` and `removing` are finished, one way or the other, at the agent's next start. */
  life: z.enum(['creating', 'created', 'removing']),
  /** What the user asked for. */
  desired: z.enum(['running', 'stopped']),
  /** The migration that has made the settings read-only. */
  lockedBy: z.string().nullable(),
  /** Workers and schedules are held back, by a migration. */
  quiesced: z.boolean(),
  /** Everything is held back, by a migration whose carrier needs an app that stands still. */
  halted: z.boolean(),
  /** The web processes run although the app is passive here: the target before the switch. */
  webWhilePassive: z.boolean(),
  /** Where the gate sends requests while the app is passive here; null holds them. */
  forward: ForwardTarget.nullable(),
  /** How often its owner has had it restarted. */
  restarts: z.number().int().default(0),
  /** Of a project of containers: Storky has made it here, and may take it away. One that was adopted is its owner's. */
  made: z.boolean().default(false),
  /** What its owner said when it was adopted. */
  hints: ReadHints.default({ web: [], workers: [], tcp: [] }),
  /** Images that a move has brought here. */
  images: z.array(z.string()).default([]),
  /** What of a project a move has made here, by kind and name, written before it is made: nothing else may be removed. */
  parts: z.array(z.string()).default([]),
  /** Where each file tree of the project lies. */
  places: z.record(z.string(), z.object({ path: z.string() })).default({}),
  /** The router stands before the project's visitors, at these ports of its own, by entry. */
  gateIn: z.boolean().default(false),
  gatePorts: z.record(z.string(), z.number().int()).default({}),
  front: Front.nullable().default(null),
});
export type AppDocument = z.infer<typeof AppDocument>;

export function newDocument(id: string, record: AppRecord): AppDocument {
  return {
    version: documentVersion,
    id,
    record,
    instances: [],
    provisioning: [],
    remotes: [],
    loans: [],
    life: 'creating',
    desired: 'running',
    lockedBy: null,
    quiesced: false,
    halted: false,
    webWhilePassive: false,
    forward: null,
    restarts: 0,
    made: false,
    hints: { web: [], workers: [], tcp: [] },
    images: [],
    parts: [],
    places: {},
    gateIn: false,
    gatePorts: {},
    front: null,
  };
}

/** A document that a newer Storky wrote is refused: reading it by today's rules would drop what it says. */
export function parseDocument(app: string, json: unknown): AppDocument {
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > documentVersion)
    throw new StorkyError('unsupported', {
      what: `The document of ${app}`,
      detail: `its version is ${version}, and this agent reads up to ${documentVersion}`,
      hint: 'Start the newer Storky that wrote it.',
    });
  const parsed = AppDocument.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new StorkyError('internal', {
    detail: `the document of ${app} is damaged: ${issue.path.join('.')}: ${issue.message}`,
  });
}
