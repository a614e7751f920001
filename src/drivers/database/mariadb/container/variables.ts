import { StorkyError } from '../../../../protocol/errors.ts';
import type { DatabaseInstance, GuestOrder } from '../../contract.ts';
import { variableOf } from '../../guest.ts';

type Names = Pick<DatabaseInstance, 'database' | 'user' | 'password' | 'adminUser' | 'adminPassword'>;

/**
 * The official images' variables, which others keep: https://mariadb.com/kb/en/mariadb-server-docker-official-image-environment-variables/
 * and https://github.com/docker-library/docs/tree/master/mysql. Throws `unsupported` where they say nothing of the password of
 * who may do everything: only it can follow the server and close it.
 */
export async function firstAccount({ addon, guest, environment }: GuestOrder): Promise<Names> {
  const variable = async (name: string) =>
    (await variableOf(guest, environment, `MARIADB_${name}`)) ??
    (await variableOf(guest, environment, `MYSQL_${name}`));
  const adminUser = (await variable('ROOT_USER')) || 'root';
  const given = await variable('ROOT_PASSWORD');
  // Any word turns it on, as the images have it.
  const empty = (await variable('ALLOW_EMPTY_ROOT_PASSWORD')) || (await variable('ALLOW_EMPTY_PASSWORD'));
  if (!given && !empty)
    throw new StorkyError('unsupported', {
      what: `The database ${addon}`,
      detail: `its container's variables do not say the password of ${adminUser}: neither MARIADB_ROOT_PASSWORD nor MYSQL_ROOT_PASSWORD is there, with _FILE behind it or without`,
      hint: 'Write the password that it has into the compose file, recreate the container with `docker compose up -d`, which changes nothing in a database that is there, and adopt again. Or give the app the database by its address: docs/databases-that-storky-does-not-run.md.',
    });
  const adminPassword = given ?? '';
  const user = (await variable('USER')) || adminUser;
  const password = user === adminUser ? adminPassword : ((await variable('PASSWORD')) ?? '');
  return { database: (await variable('DATABASE')) ?? '', user, password, adminUser, adminPassword };
}
