import { z } from 'zod';
import { PartName } from './names.ts';

export const HealthCheck = z
  .object({
    path: z.string().startsWith('/').default('/'),
    timeoutSeconds: z.number().positive().default(60),
  })
  .strict();

export const ProcessType = z
  .object({
    command: z.string().min(1),
    amount: z.number().int().min(0).max(10).default(1),
    size: z.enum(['S', 'M', 'L', 'XL', '2XL', '3XL']).default('M'),
    /** A cron expression: the command is run at these times instead of all the time. UTC. */
    schedule: z.string().optional(),
    health: HealthCheck.optional(),
    stopTimeoutSeconds: z.number().positive().default(10),
  })
  .strict();
export type ProcessType = z.infer<typeof ProcessType>;

/** `web` gets requests and a PORT; every other type works in the background. */
export const Processes = z.record(PartName, ProcessType);

export const Addon = z
  .object({
    name: PartName,
    engine: z.string().min(1),
    plan: z.string().default('starter-512'),
    /** The major version, as text; null takes the newest that the region has. */
    version: z.string().nullable().default(null),
    /** Of a database that Storky does not run: its administrator's, secret, with the database and how it is encrypted. */
    address: z.string().min(1).optional(),
    /** With an address: what the app logs in with there. */
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
  })
  .strict()
  .refine(
    ({ address, user, password }) => (user === undefined) === (password === undefined) && (address || !user),
    'user and password go together, and with an address',
  );
export type Addon = z.infer<typeof Addon>;
