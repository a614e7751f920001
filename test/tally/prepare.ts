import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { bringModules } from '../support/bring-modules.ts';
import { postgresPrograms } from '../support/postgres.ts';
import { projectRoot } from '../support/spawned.ts';

/** A copy of the app with the clients that it needs; its manifest, for `storky apply`. */
export function prepareTally(to: string): string {
  cpSync(join(projectRoot, 'test/apps/tally'), to, { recursive: true });
  bringModules(to, 'ioredis', 'mysql2', 'pg');
  return join(to, 'storky.yaml');
}

/** Whether there is what its stores run on; else says what is not, and never passes over it in silence under CI. */
export function canRunTally(): boolean {
  const missing = [
    !postgresPrograms() && 'postgresql',
    !existsSync('/usr/sbin/mariadbd') && 'mariadb-server',
    !existsSync('/usr/bin/redis-server') && 'redis-server',
  ].filter(Boolean);
  if (missing.length === 0) return true;
  const text = `SKIPPED: an app with every kind of store needs ${missing.join(', ')}`;
  if (process.env.CI === 'true') throw new Error(text);
  console.warn(text);
  return false;
}
