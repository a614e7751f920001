import { z } from 'zod';
import { AppName, RegionName } from '../protocol/app-record/names.ts';
import type { Connection } from './connection/client.ts';
import { usage } from './errors.ts';
import type { Io } from './io.ts';
import type { Paint } from './show/paint.ts';

export type Needs = 'server' | 'nothing';

export const GlobalOptions = z.object({
  region: RegionName.optional(),
  app: AppName.optional(),
  server: z.string().optional(),
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  color: z.boolean().default(true),
});
export type GlobalOptions = z.infer<typeof GlobalOptions>;

/** What a command gets: the world, the global options, colours, and, if it needs one, the server. */
export interface Context<N extends Needs = Needs> {
  readonly io: Io;
  readonly global: GlobalOptions;
  readonly paint: Paint;
  readonly server: N extends 'server' ? Connection : Connection | null;
}

/** `--app` or STORKY_APP; commands of one app cannot do without. */
export function requiredApp(context: Context): string {
  return context.global.app ?? missing('--app', 'STORKY_APP');
}

export function requiredRegion(context: Context): string {
  return context.global.region ?? missing('--region', 'STORKY_REGION');
}

function missing(option: string, variable: string): never {
  throw usage(`${option} is missing (or set ${variable})`, option);
}

/** A line while the command still runs: to people on stdout, next to `--json` on stderr. */
export function say(context: Context, line: string): void {
  (context.global.json ? context.io.stderr : context.io.stdout).write(`${line}\n`);
}
