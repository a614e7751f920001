import { z } from 'zod';
import { AppName, VariableName } from './names.ts';
import {
  Alert,
  Autoscaler,
  Build,
  Checks,
  Collaborator,
  Domain,
  FileTree,
  Limits,
  LogDrain,
  Notifier,
  ScmLink,
  Settings,
  Source,
} from './parts.ts';
import { Addon, Processes } from './process.ts';
import { Project } from './project.ts';

const uniqueBy = <T>(key: (item: T) => string, what: string) =>
  [(items: T[]) => new Set(items.map(key)).size === items.length, `two ${what} have the same name`] as const;

/**
 * Everything that one application owns: what a user writes as storky.yaml, what a region stores, what a migration moves.
 * Values of the environment may refer to an addon (`${addons.db.url}`) or a file tree (`${files.uploads.path}`); they are
 * stored and copied raw, so that they follow the new database.
 */
export const AppRecord = z
  .object({
    name: AppName,
    source: Source.default({ type: 'directory', path: '.' }),
    /** Run by `storky apply` in the source directory before it is packed. */
    buildCommand: z.string().nullable().default(null),
    build: Build.nullable().default(null),
    processes: Processes.default({}),
    environment: z.record(VariableName, z.coerce.string().max(8192)).default({}),
    settings: Settings.prefault({}),
    limits: Limits.default({}),
    domains: z
      .array(Domain)
      .max(20)
      .default([])
      .refine(...uniqueBy((d: { name: string }) => d.name, 'domains')),
    addons: z
      .array(Addon)
      .default([])
      .refine(...uniqueBy((a: { name: string }) => a.name, 'addons')),
    files: z
      .array(FileTree)
      .default([])
      .refine(...uniqueBy((f: { name: string }) => f.name, 'file trees')),
    collaborators: z.array(Collaborator).default([]),
    scm: ScmLink.nullable().default(null),
    notifiers: z
      .array(Notifier)
      .default([])
      .refine(...uniqueBy((n: { name: string }) => n.name, 'notifiers')),
    alerts: z.array(Alert).default([]),
    logDrains: z.array(LogDrain).default([]),
    autoscalers: z.array(Autoscaler).default([]),
    checks: Checks.prefault({}),
    /** Read from a host by `storky adopt`, never written by hand. */
    project: Project.nullable().default(null),
  })
  .strict()
  .superRefine((app, ctx) => {
    const stores = [...app.addons.map((a) => a.name), ...app.files.map((f) => f.name)];
    if (new Set(stores).size !== stores.length)
      ctx.addIssue({ code: 'custom', path: ['files'], message: 'an addon and a file tree have the same name' });
    for (const [i, alert] of app.alerts.entries())
      for (const name of alert.notifiers) {
        if (!app.notifiers.some((n) => n.name === name))
          ctx.addIssue({
            code: 'custom',
            path: ['alerts', i, 'notifiers'],
            message: `there is no notifier named ${name}`,
          });
      }
    for (const part of ['alerts', 'autoscalers'] as const)
      for (const [i, { processType }] of app[part].entries()) {
        if (!(processType in app.processes))
          ctx.addIssue({
            code: 'custom',
            path: [part, i, 'processType'],
            message: `there is no process type named ${processType}`,
          });
      }
  });
export type AppRecord = z.infer<typeof AppRecord>;

/** The parts that prepare imports, each by a step of its own; DESIGN order: notifiers before alerts. */
export const recordParts = [
  'build',
  'environment',
  'settings',
  'limits',
  'processes',
  'collaborators',
  'scm',
  'domains',
  'notifiers',
  'alerts',
  'logDrains',
  'autoscalers',
  'checks',
  'project',
] as const;
export const RecordPart = z.enum(recordParts);
export type RecordPart = z.infer<typeof RecordPart>;

export const AppStatus = z.enum(['new', 'running', 'stopped', 'crashed', 'starting', 'migrating', 'moved']);

const Abroad = z.object({ addon: z.string(), region: z.string(), app: z.string() });

/** What a region shows of an app: no environment values, keys or passwords. */
export const AppView = z.object({
  id: z.string(),
  name: AppName,
  region: z.string(),
  status: AppStatus,
  url: z.string(),
  lockedBy: z.string().nullable(),
  epoch: z.number().int(),
  role: z.enum(['active', 'passive']),
  gate: z.enum(['serve', 'hold', 'forward']),
  /** Addons that are in another region, and the app's name there. */
  remote: z.array(Abroad).default([]),
  /** Addons of this region that an app of another one uses. */
  lent: z.array(Abroad).default([]),
  /** The proxy that is told of the gate for the time of a migration, and where its configuration is. */
  front: z.object({ proxy: z.string(), where: z.string(), entry: z.string() }).nullable().optional(),
  record: AppRecord,
});
export type AppView = z.infer<typeof AppView>;
