import { z } from 'zod';
import { Carrier } from '../migration.ts';
import { PartName } from './names.ts';

/**
 * The project of containers that an app is, where it runs under a container engine: what `adopt` reads on one host and what
 * is made again on another. What only the engine has to understand stands in the engine's own words.
 */
const InItsOwnWords = z.record(z.string(), z.unknown());

/** One port of a service's containers that visitors come to. */
export const ProjectEntry = z
  .object({
    name: PartName,
    protocol: z.enum(['http', 'tcp']),
    containerPort: z.number().int().positive(),
    /** Of the host; an empty address means every one. */
    published: z.array(z.object({ address: z.string(), port: z.number().int().positive() })),
  })
  .strict();
export type ProjectEntry = z.infer<typeof ProjectEntry>;

export const ProjectContainer = z
  .object({
    name: z.string().min(1),
    /** The id is the hash of all that the image is; the reference is what it was called. */
    image: z.object({ reference: z.string(), id: z.string() }).strict(),
    spec: InItsOwnWords,
    networks: z.array(z.object({ name: z.string(), options: InItsOwnWords }).strict()),
  })
  .strict();
export type ProjectContainer = z.infer<typeof ProjectContainer>;

/** web: has entries. database: an addon of the app. worker: all others; it never runs on both sides. */
export const ServiceRole = z.enum(['web', 'worker', 'database']);

export const ProjectService = z
  .object({
    name: z.string().min(1),
    role: ServiceRole,
    addon: PartName.nullable(),
    entries: z.array(ProjectEntry),
    dependsOn: z.array(z.string()),
    /** Answers with a status below 400 where the service is ready; asked at its first HTTP entry. */
    health: z.string().startsWith('/').nullable().default(null),
    /** Its owner had stopped it when the move began: it stays so. */
    rests: z.boolean(),
    containers: z.array(ProjectContainer).min(1),
  })
  .strict();
export type ProjectService = z.infer<typeof ProjectService>;

/** Where data lies: a named volume, or a folder of the host. `tree` is the file tree that carries it; null: a database's engine does. */
export const ProjectMount = z
  .object({
    kind: z.enum(['volume', 'folder']),
    name: z.string().min(1),
    spec: InItsOwnWords,
    tree: PartName.nullable(),
    /** The services that see it. */
    services: z.array(z.string()),
  })
  .strict();
export type ProjectMount = z.infer<typeof ProjectMount>;

export const Project = z
  .object({
    kind: z.enum(['compose', 'container']),
    name: z.string().min(1),
    networks: z.array(z.object({ name: z.string(), spec: InItsOwnWords }).strict()),
    mounts: z.array(ProjectMount),
    services: z.array(ProjectService).min(1),
    /** How its owner wants a store carried, by its name, where a migration is not told otherwise. */
    carriers: z.record(PartName, Carrier).default({}),
    /** What stays behind, in words. */
    notMoved: z.array(z.string()),
  })
  .strict();
export type Project = z.infer<typeof Project>;

export const serviceOf = (project: Project, addon: string): ProjectService | undefined =>
  project.services.find((service) => service.addon === addon);

export const mountOf = (project: Project, tree: string): ProjectMount | undefined =>
  project.mounts.find((mount) => mount.tree === tree);
