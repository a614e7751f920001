import { z } from 'zod';
import { HostName, PartName, RelativePath } from './names.ts';

export const Settings = z
  .object({
    forceHttps: z.boolean().default(false),
    canonicalDomain: HostName.nullable().default(null),
    stickySessions: z.boolean().default(false),
    routerLogs: z.boolean().default(false),
  })
  .strict();

export const Limits = z.record(z.string(), z.number().nonnegative());

export const Domain = z
  .object({
    name: HostName,
    letsEncrypt: z.boolean().default(false),
    /** PEM, leaf first. Copied as it is, so that the target can serve TLS before DNS moves. */
    certificate: z.string().nullable().default(null),
    key: z.string().nullable().default(null),
  })
  .strict()
  .refine(
    (d) => (d.certificate === null) === (d.key === null),
    'a certificate needs its key, and a key its certificate',
  );

export const FileTree = z
  .object({
    name: PartName,
    /** Where the app sees it, inside its folder. */
    path: RelativePath,
    ignore: z.array(z.string()).default([]),
  })
  .strict();
export type FileTree = z.infer<typeof FileTree>;

export const Collaborator = z
  .object({
    email: z.email(),
    username: z.string().default('n/a'),
    status: z.enum(['pending', 'accepted']).default('pending'),
    limited: z.boolean().default(false),
  })
  .strict();

export const ScmLink = z
  .object({
    type: z.enum(['github', 'github-enterprise', 'gitlab', 'gitlab-self-hosted', 'git']),
    source: z.string().min(1),
    branch: z.string().default('main'),
    autoDeploy: z.boolean().default(false),
    deployReviewApps: z.boolean().default(false),
  })
  .strict();

export const Notifier = z
  .object({
    name: z.string().min(1),
    type: z.enum(['email', 'slack', 'webhook', 'rocket_chat']),
    active: z.boolean().default(true),
    sendAllEvents: z.boolean().default(false),
    events: z.array(z.string()).default([]),
    webhookUrl: z.url().nullable().default(null),
    emails: z.array(z.email()).default([]),
  })
  .strict();

export const metrics = ['cpu', 'memory', 'swap', 'rpm', 'rpm_per_container', 'p95_response_time', '5XX'] as const;

export const Alert = z
  .object({
    processType: PartName,
    metric: z.enum(metrics),
    limit: z.number(),
    sendWhenBelow: z.boolean().default(false),
    disabled: z.boolean().default(false),
    durationBeforeTriggerSeconds: z.number().nonnegative().default(0),
    remindEverySeconds: z.number().nonnegative().nullable().default(null),
    /** Names of notifiers of the same app, which must exist first. */
    notifiers: z.array(z.string()).default([]),
  })
  .strict();

export const LogDrain = z
  .object({
    type: z.enum(['appsignal', 'betterstack', 'datadog', 'ovh-graylog', 'papertrail', 'syslog', 'elk']),
    url: z.string().min(1),
  })
  .strict();

export const Autoscaler = z
  .object({
    processType: PartName,
    metric: z.enum(metrics),
    target: z.number(),
    min: z.number().int().min(1),
    max: z.number().int().min(1),
    disabled: z.boolean().default(false),
  })
  .strict()
  .refine((a) => a.min <= a.max, 'min is at most max');

export const Checks = z
  .object({
    /** Prints pending migrations, one a line, and nothing when there are none; exit code not 0 counts as pending too. */
    pendingMigrations: z.string().nullable().default(null),
    smokePaths: z.array(z.string().startsWith('/')).default([]),
  })
  .strict();

export const Source = z.discriminatedUnion('type', [
  z.object({ type: z.literal('directory'), path: z.string().default('.') }).strict(),
  z.object({ type: z.literal('git'), repository: z.string(), branch: z.string().default('main') }).strict(),
  z.object({ type: z.literal('image'), image: z.string() }).strict(),
]);

/** The artefact that runs. */
export const Build = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('archive'), sha256: z.string().length(64), bytes: z.number().int() }),
  z.object({ kind: z.literal('image'), digest: z.string() }),
]);
export type Build = z.infer<typeof Build>;
