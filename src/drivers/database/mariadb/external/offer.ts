import type { Finding } from '../../../store.ts';
import type { Offer } from '../../contract.ts';
import { installedVersions } from '../server/binaries.ts';
import { compareVersions } from '../server/versions.ts';
import { adminOf, type Client, withClient } from '../wire/connect.ts';
import { grantable } from '../wire/sql.ts';
import { reached } from './adopt.ts';
import { contentsOf } from './contents.ts';
import { Grants } from './grants.ts';
import { grantee } from './rights.ts';

/** What the preflight of a move wants to know of the database that it shall fill. */
export async function checkOffer({ addon, address, version }: Offer): Promise<Finding[]> {
  const instance = await reached({ addon, address, app: '', user: '', password: '', folder: '' });
  const findings = await withClient(adminOf(instance), async (client) => [
    await isEmpty(client),
    ...(await rights(client, instance.database)),
    await functions(client),
  ]);
  return [...findings, newEnough(instance.version, version), await hasTool()];
}

const finding = (id: string, bad: false | 'warn' | 'fail', detail: string, remedy: string): Finding => ({
  id,
  verdict: bad || 'pass',
  detail,
  remedy: bad ? remedy : null,
});

async function isEmpty(client: Client): Promise<Finding> {
  const contents = await contentsOf(client);
  const some = contents.slice(0, 3).join(', ') || 'the database is empty';
  return finding('empty', contents.length > 0 && 'fail', some, 'Give the address of an empty database.');
}

async function rights(client: Client, database: string): Promise<Finding[]> {
  const grants = await Grants.of(client);
  const admin = await grantee(client);
  const all = grants.hasIn(database, 'ALL PRIVILEGES') && grants.hasIn(database, 'GRANT OPTION');
  return [
    finding(
      'right-accounts',
      !grants.has('CREATE USER') && 'fail',
      "it may make the app's accounts",
      `Run: GRANT CREATE USER ON *.* TO ${admin};`,
    ),
    finding(
      'right-database',
      !all && 'fail',
      'it may fill the database, and let the app work in it',
      `Run: GRANT ALL PRIVILEGES ON ${grantable(database)}.* TO ${admin} WITH GRANT OPTION;`,
    ),
    finding(
      'right-definers',
      !grants.has('SET USER') && 'warn',
      'it may make views, triggers, routines and events in the name of the app',
      `Without it, a database that has some cannot be brought. Run: GRANT SET USER ON *.* TO ${admin};`,
    ),
  ];
}

/** With a log, the server asks for more than a right in the database. */
async function functions(client: Client): Promise<Finding> {
  const [row] = await client.query('SELECT @@log_bin AS log, @@log_bin_trust_function_creators AS trust');
  const superuser = (await Grants.of(client)).has('SUPER');
  const bad = row!.log === '1' && row!.trust !== '1' && !superuser;
  return finding(
    'function-creators',
    bad && 'warn',
    `log_bin_trust_function_creators is ${row!.trust}`,
    'Without it, a database that has triggers or functions cannot be brought. Run: SET GLOBAL log_bin_trust_function_creators = 1;',
  );
}

const newEnough = (there: string, here: string | null): Finding =>
  finding(
    'version',
    here !== null && compareVersions(there, here) < 0 && 'fail',
    here === null ? `it is ${there}` : `${here} comes into ${there}`,
    'Give a database of the same version or a newer one.',
  );

async function hasTool(): Promise<Finding> {
  const versions = await installedVersions('mariadb');
  const detail = versions.at(-1) ?? 'there is no client here that reads a dump';
  return finding('client', versions.length === 0 && 'fail', detail, 'Install mariadb-server on this host.');
}
