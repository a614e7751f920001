import { z } from 'zod';

/** On the container that an agent runs in: none of the apps of its host. */
export const ownLabel = 'storky.agent';

/** What runs on a region's host under Docker, whoever started it: read, and never changed. */

export const FoundPort = z.object({
  /** Of the host; empty: every address. */
  address: z.string(),
  port: z.number().int(),
  containerPort: z.number().int(),
  protocol: z.string(),
});

export const FoundService = z.object({
  name: z.string(),
  image: z.string(),
  containers: z.array(z.object({ id: z.string(), name: z.string(), state: z.string() })),
  ports: z.array(FoundPort),
  /** One of the engines that Storky moves, by its image. */
  database: z.object({ engine: z.string(), version: z.string().nullable() }).nullable(),
});
export type FoundService = z.infer<typeof FoundService>;

/** What the owner of a project says where it does not say it itself. */
export const ReadHints = z.object({
  /** Services that visitors come to, with the port where it is not published: `service` or `service:port`. */
  web: z.array(z.string()).default([]),
  /** Services that do the app's work in the background, though they listen. */
  workers: z.array(z.string()).default([]),
  /** Container ports that speak something else than HTTP: `service:port`. */
  tcp: z.array(z.string()).default([]),
});
export type ReadHints = z.infer<typeof ReadHints>;

export const FoundMount = z.object({
  kind: z.enum(['volume', 'bind', 'other']),
  /** Of the volume; of a bind mount its path on the host. */
  name: z.string(),
  services: z.array(z.string()),
  /** By the database's engine, as a file tree, or not at all: then `why` says why. */
  carried: z.enum(['engine', 'files', 'not']),
  why: z.string().nullable(),
});
export type FoundMount = z.infer<typeof FoundMount>;

export const FoundProject = z.object({
  name: z.string(),
  kind: z.enum(['compose', 'container']),
  /** Where its compose files are, as Compose has written it down. */
  folder: z.string().nullable(),
  files: z.array(z.string()),
  services: z.array(FoundService),
  mounts: z.array(FoundMount),
});
export type FoundProject = z.infer<typeof FoundProject>;
