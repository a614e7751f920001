import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { otherPostgresServers } from '../../../../../test/support/postgres-versions.ts';
import type { DatabaseInstance } from '../../contract.ts';
import type { Clusters } from './clusters.ts';

/** Loud where they cannot be had; an error where nothing may be skipped. */
export function otherVersions(): string[] {
  try {
    return otherPostgresServers();
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    process.stderr.write(`NOT TESTED: PostgreSQL 13, 14, 16, 17 and 18: ${(error as Error).message}\n`);
    return [];
  }
}

/**
 * Servers of these versions come without pg_dump, which must not be older than the server. A database of 15 with the same
 * structure is dumped in its place; everything else that a source does is done by the server of that version.
 */
export async function standInDump(clusters: Clusters, version: string, twin: DatabaseInstance): Promise<void> {
  const bin = join(clusters.folder, `client-${version}`, 'bin');
  mkdirSync(bin, { recursive: true });
  const real = '/usr/lib/postgresql/15/bin';
  const script = (name: string, text: string) => {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo '${name} (PostgreSQL) ${version}.0' && exit\n${text}`);
    chmodSync(path, 0o755);
  };
  script('pg_restore', `exec ${real}/pg_restore "$@"\n`);
  script(
    'pg_dump',
    `for arg; do shift; case "$arg" in --snapshot=* | --dbname=*) ;; *) set -- "$@" "$arg" ;; esac; done
PGPASSWORD='${twin.adminPassword}' exec ${real}/pg_dump "$@" --dbname='host=${twin.host} port=${twin.port} user=${twin.adminUser} dbname=${twin.database}'\n`,
  );
  process.env.STORKY_POSTGRES_DIRS += `:${join(bin, '..')}`;
}
