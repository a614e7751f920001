import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { importBase } from './base-image.ts';
import { bringModules } from './bring-modules.ts';
import { buildOn } from './shop-images.ts';
import { projectRoot } from './spawned.ts';

const base = 'storky-test-mariadb-base';

/** As the official image does it: https://github.com/MariaDB/mariadb-docker/blob/master/docker-entrypoint.sh */
const entrypoint = `#!/bin/bash
set -e
as="setpriv --reuid=mysql --regid=mysql --clear-groups"
if [ ! -d /var/lib/mysql/mysql ]; then
  chown -R mysql:mysql /var/lib/mysql
  $as mariadb-install-db --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
  $as mariadbd "$@" --skip-networking &
  server=$!
  until mariadb-admin -uroot ping >/dev/null 2>&1; do sleep 0.2; done
  mariadb -uroot <<SQL
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
FLUSH PRIVILEGES;
CREATE USER root@'%' IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
CREATE DATABASE $MARIADB_DATABASE;
CREATE USER $MARIADB_USER@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON $MARIADB_DATABASE.* TO $MARIADB_USER@'%';
ALTER USER root@localhost IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
SQL
  kill $server; wait $server
fi
exec $as mariadbd "$@"
`;

const settings = `[mariadbd]
bind-address = *
skip-name-resolve
`;

/** A small app on MariaDB, and its database under the name of the official image. */
export async function guestbookImages(docker: Docker, folder: string): Promise<void> {
  await importBase(docker, base, ['mariadb-server', 'libstdc++6', 'libatomic1', 'procps']);
  await buildOn(base, docker, folder, 'mariadb:10.11', (at) => {
    writeFileSync(join(at, 'entrypoint.sh'), entrypoint, { mode: 0o755 });
    writeFileSync(join(at, 'image.cnf'), settings, { mode: 0o644 });
    return [
      'ENV MARIADB_VERSION=1:10.11.0+maria~test',
      'RUN mkdir -p /run/mysqld /var/lib/mysql && chown mysql /run/mysqld /var/lib/mysql',
      'COPY image.cnf /etc/mysql/mariadb.conf.d/99-image.cnf',
      'COPY entrypoint.sh /entrypoint.sh',
      'VOLUME /var/lib/mysql',
      'EXPOSE 3306',
      'ENTRYPOINT ["/entrypoint.sh"]',
    ];
  });
  await buildOn(base, docker, folder, 'guestbook:latest', (at) => {
    cpSync(join(projectRoot, 'test/e2e/guestbook'), join(at, 'app'), { recursive: true });
    bringModules(join(at, 'app'), 'mysql2');
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
