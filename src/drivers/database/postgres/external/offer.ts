import type { Finding } from '../../../store.ts';
import type { Offer } from '../../contract.ts';
import { clientTool } from '../server/binaries.ts';
import { adminOf, type Client, versionOf, withClient } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import { reached } from './adopt.ts';
import { contentsOf } from './contents.ts';

/** What the preflight of a move wants to know of the database that it shall fill. */
export async function checkOffer({ addon, address, version }: Offer): Promise<Finding[]> {
  const instance = await reached({ addon, address, app: '', user: '', password: '', folder: '' });
  const findings = await withClient(adminOf(instance), async (client) => [
    await isEmpty(client),
    ...(await rights(client)),
  ]);
  return [...findings, newEnough(instance.version, version), await hasTool(instance.version)];
}

/** What it needs beside that, to follow live. */
export async function checkFollower({ addon, address }: Offer): Promise<Finding[]> {
  const instance = await reached({ addon, address, app: '', user: '', password: '', folder: '' });
  return [await withClient(adminOf(instance), appliesAsReplica)];
}

/** Without it, what triggers and foreign keys do would be done twice: it came with the stream. Tried, since providers give it in their own ways. */
async function appliesAsReplica(client: Client): Promise<Finding> {
  await client.query('BEGIN');
  const applies = await client.query('SET LOCAL session_replication_role = replica').then(
    () => true,
    () => false,
  );
  await client.query('ROLLBACK');
  const statement = `GRANT SET ON PARAMETER session_replication_role TO ${identifier(client.user!)};`;
  return finding(
    'right-replica',
    applies,
    applies ? 'it may apply a stream, as a replica does' : 'missing: it may apply a stream, as a replica does',
    (await versionOf(client)) >= 15
      ? `Run: ${statement} -- as a superuser`
      : 'Before PostgreSQL 15 only a superuser may. Use the carrier backup, for which the app stands still.',
  );
}

const finding = (id: string, good: boolean, detail: string, remedy: string): Finding => ({
  id,
  verdict: good ? 'pass' : 'fail',
  detail,
  remedy: good ? null : remedy,
});

async function isEmpty(client: Client): Promise<Finding> {
  const contents = await contentsOf(client);
  const some = contents.slice(0, 3).join(', ');
  return finding(
    'empty',
    contents.length === 0,
    some || 'the database is empty',
    'Give the address of an empty database.',
  );
}

async function rights(client: Client): Promise<Finding[]> {
  const { rows } = await client.query(
    `SELECT r.rolname AS admin, current_database() AS database, pg_get_userbyid(d.datdba) AS owner,
      r.rolsuper OR r.rolcreaterole AS roles, pg_has_role(d.datdba, 'USAGE') AS owns
      FROM pg_roles r JOIN pg_database d ON d.datname = current_database() WHERE r.rolname = session_user`,
  );
  const { admin, owner, roles, owns } = rows[0];
  return [
    finding(
      'right-roles',
      roles,
      "it may make the app's accounts",
      `Run: ALTER ROLE ${identifier(admin)} CREATEROLE; -- as a superuser`,
    ),
    finding(
      'right-database',
      owns,
      'it may let them work in the database, as its owner may',
      `Run: GRANT ${identifier(owner)} TO ${identifier(admin)};`,
    ),
  ];
}

const newEnough = (there: string, here: string | null): Finding =>
  finding(
    'version',
    here === null || Number(there) >= Number(here),
    here === null ? `it is ${there}` : `${here} comes into ${there}`,
    'Give a database of the same version or a newer one.',
  );

async function hasTool(version: string): Promise<Finding> {
  const tool = await clientTool('pg_restore', version, version).catch(() => undefined);
  return finding(
    'pg-restore',
    tool !== undefined,
    tool ?? `there is no pg_restore of version ${version} or later`,
    `Install postgresql-client-${version} on this host.`,
  );
}
