import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { importBase } from './base-image.ts';
import { bringModules } from './bring-modules.ts';
import { copyOfShop } from './shop.ts';
import { projectRoot } from './spawned.ts';

const base = 'storky-test-base';

/** As the official image does it: https://github.com/docker-library/postgres/blob/master/docker-entrypoint.sh */
const postgresEntrypoint = `#!/bin/bash
set -e
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"; chown -R postgres:postgres "$PGDATA"; chmod 700 "$PGDATA"
  (umask 077; echo "$POSTGRES_PASSWORD" >/tmp/password); chown postgres /tmp/password
  as initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm /tmp/password
  as pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start >/dev/null
  [ "$POSTGRES_DB" = postgres ] || psql -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \\"$POSTGRES_DB\\""
  as pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups postgres -D "$PGDATA" -c "listen_addresses=*" "$@"
`;

/** What a host of somebody with a shop has: his own image, and those of the databases, under the names of the official ones. */
export async function shopImages(docker: Docker, folder: string): Promise<void> {
  await importBase(docker, base);
  await buildOn(base, docker, folder, 'postgres:15', (at) => {
    writeFileSync(join(at, 'entrypoint.sh'), postgresEntrypoint, { mode: 0o755 });
    return [
      'ENV PG_MAJOR=15 PGDATA=/var/lib/postgresql/data PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin',
      'RUN mkdir -p /var/run/postgresql /var/lib/postgresql && chown postgres /var/run/postgresql /var/lib/postgresql',
      'COPY entrypoint.sh /entrypoint.sh',
      'VOLUME /var/lib/postgresql/data',
      'STOPSIGNAL SIGINT',
      'EXPOSE 5432',
      'ENTRYPOINT ["/entrypoint.sh"]',
    ];
  });
  await buildOn(base, docker, folder, 'redis:7', () => [
    'ENV REDIS_VERSION=7.0.15',
    'VOLUME /data',
    'WORKDIR /data',
    'EXPOSE 6379',
    'ENTRYPOINT ["redis-server", "--protected-mode", "no", "--bind", "0.0.0.0", "--dir", "/data"]',
  ]);
  await buildOn(base, docker, folder, 'shop-web:latest', (at) => {
    const app = copyOfShop(join(at, 'app'));
    bringModules(app, 'pg', 'ws');
    mkdirSync(join(at, 'bin'));
    cpSync(join(projectRoot, 'node_modules/node/bin/node'), join(at, 'bin/node'), { dereference: true });
    return [
      'COPY bin/node /usr/local/bin/node',
      'COPY app /app',
      'WORKDIR /app',
      'EXPOSE 3000',
      'CMD ["node", "web.js"]',
    ];
  });
}

/** An image of a folder that `fill` fills; it answers what is to be done with it, as a Dockerfile says it. */
export async function buildOn(
  from: string,
  docker: Docker,
  parent: string,
  name: string,
  fill: (folder: string) => string[],
): Promise<void> {
  const folder = mkdtempSync(join(parent, 'image-'));
  writeFileSync(join(folder, 'Dockerfile'), [`FROM ${from}`, ...fill(folder)].join('\n'));
  const answer = await docker.buildImage({ context: folder, src: readdirSync(folder) }, { t: name });
  await new Promise((resolve, reject) =>
    docker.modem.followProgress(answer, (error, output) => {
      const failed = output?.find((line) => (line as { error?: string }).error) as { error?: string } | undefined;
      if (error ?? failed) reject(error ?? new Error(`${name}: ${failed?.error}`));
      else resolve(null);
    }),
  );
}
