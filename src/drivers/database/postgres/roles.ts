import { log } from '../../../base/log.ts';
import { notOurRole, ownServer } from './names.ts';
import { type Client, stateOf, transaction, versionOf } from './wire/connect.ts';
import { quiet } from './wire/quietly.ts';
import { identifier, literal } from './wire/sql.ts';

/** The app's roles with their password verifiers, and the database's own properties: JSON, for a ticket. Secret. */
export interface Surroundings {
  roles: Role[];
  members: Member[];
  /** Statements' tails, e.g. `"app" SET work_mem TO '64MB'`. */
  settings: { role: string | null; name: string; value: string }[];
  database: {
    owner: string;
    encoding: string;
    collate: string;
    ctype: string;
    provider: string;
    locale: string | null;
    acl: Grant[] | null;
  };
}

export interface Role {
  name: string;
  attributes: string;
  /** Missing where it could not be read: what the target has stays. */
  password?: string | null;
  validUntil: string | null;
  connectionLimit: number;
}

interface Member {
  role: string;
  member: string;
  admin: boolean;
  /** From 16 on each membership says whether it inherits and may be switched to; before, the member's role did. */
  options: { inherit: boolean; set: boolean } | null;
}

interface Grant {
  grantee: string | null;
  privilege: string;
  grantable: boolean;
}

export async function readSurroundings(client: Client): Promise<Surroundings> {
  return {
    roles: await readRoles(client),
    members: await readMembers(client),
    settings: await readSettings(client),
    database: await readDatabase(client),
  };
}

async function readRoles(client: Client): Promise<Role[]> {
  // Verifiers are readable to superusers only.
  const { rows: may } = await client.query(`SELECT has_table_privilege('pg_authid', 'SELECT') AS read`);
  const [secrets, from] = may[0].read ? ['a.rolpassword', 'JOIN pg_authid a ON a.oid = r.oid'] : ['NULL', ''];
  const attributes = [
    `CASE WHEN r.rolsuper AND ${ownServer} THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END`,
    ...['inherit', 'createrole', 'createdb', 'replication', 'bypassrls'].map(
      (name) => `CASE WHEN r.rol${name} THEN '${name.toUpperCase()}' ELSE 'NO${name.toUpperCase()}' END`,
    ),
    `CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END`,
  ];
  const { rows } = await client.query(
    `SELECT r.rolname AS name, concat_ws(' ', ${attributes}) AS attributes, ${secrets} AS password, r.rolvaliduntil::text AS "validUntil",
      r.rolconnlimit AS "connectionLimit" FROM pg_roles r ${from} WHERE ${carried('r')} ORDER BY 1`,
  );
  if (!may[0].read) for (const role of rows) delete role.password;
  return rows;
}

async function readMembers(client: Client): Promise<Member[]> {
  const options =
    (await versionOf(client)) < 16 ? 'NULL' : `jsonb_build_object('inherit', a.inherit_option, 'set', a.set_option)`;
  const { rows } = await client.query(
    `SELECT r.rolname AS role, m.rolname AS member, a.admin_option AS admin, ${options} AS options FROM pg_auth_members a
      JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
      WHERE ${carried('m')} AND m.rolname <> session_user AND (${ownServer} OR ${carried('r')}) ORDER BY 1, 2`,
  );
  return rows;
}

async function readSettings(client: Client): Promise<Surroundings['settings']> {
  const { rows } = await client.query(
    `SELECT r.rolname AS role, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
      FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_roles r ON r.oid = s.setrole
      WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND (r.rolname IS NULL OR (${notOurRole('r.rolname')} AND ${carried('r')})) ORDER BY s.setdatabase, 1, 2`,
  );
  return rows;
}

/**
 * The roles that belong to the app. On a server that Storky runs, all but its own; elsewhere those that own something in this
 * database or may do something there, the administrator too. Of what the first superuser owns, no list is kept.
 */
function carried(role: string): string {
  const database = `(SELECT d.oid FROM pg_database d WHERE d.datname = current_database())`;
  const related = `EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = ${role}.oid
      AND (d.dbid = ${database} OR (d.dbid = 0 AND d.classid = 'pg_database'::regclass AND d.objid = ${database})))
    OR EXISTS (SELECT FROM pg_database d WHERE d.oid = ${database} AND d.datdba = ${role}.oid)
    OR EXISTS (SELECT FROM pg_class c WHERE c.oid >= 16384 AND c.relowner = ${role}.oid AND c.relowner = 10)`;
  return `CASE WHEN ${ownServer} THEN ${notOurRole(`${role}.rolname`)} ELSE ${role}.rolname !~ '^pg_' AND (${related}) END`;
}

async function readDatabase(client: Client): Promise<Surroundings['database']> {
  const version = await versionOf(client);
  const provider = version >= 15 ? 'datlocprovider::text' : "'c'";
  const locale = version >= 17 ? 'datlocale' : version >= 15 ? 'daticulocale' : 'NULL::text';
  const { rows } = await client.query(
    `SELECT pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      ${provider} AS provider, ${locale} AS locale,
      CASE WHEN datacl IS NOT NULL THEN (SELECT coalesce(jsonb_agg(jsonb_build_object('grantee', r.rolname, 'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
        FROM aclexplode(datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee = 0 OR (r.rolname <> session_user AND ${carried('r')})) END AS acl
     FROM pg_database WHERE datname = current_database()`,
  );
  return rows[0] as Surroundings['database'];
}

/** Idempotent: creates what is missing and makes the rest equal. On a connection to the maintenance database. */
export async function importRoles(client: Client, from: Surroundings): Promise<void> {
  await transaction(client, async () => {
    await client.query(quiet);
    for (const role of from.roles) {
      const name = identifier(role.name);
      const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role.name]);
      if (known.rowCount === 0) await client.query(`CREATE ROLE ${name}`);
      // A verifier is stored as it is; the plain password is known to nobody.
      const password = passwordOf(role);
      const until = role.validUntil === null ? '' : ` VALID UNTIL ${literal(role.validUntil)}`;
      await client.query(
        `ALTER ROLE ${name} ${role.attributes} CONNECTION LIMIT ${role.connectionLimit}${password}${until}`,
      );
    }
    const knowsOptions = (await versionOf(client)) >= 16;
    for (const member of from.members) await client.query(grantOf(member, knowsOptions));
  });
}

function passwordOf({ password }: Role): string {
  if (password === undefined) return '';
  return ` PASSWORD ${password === null ? 'NULL' : literal(password)}`;
}

function grantOf({ role, member, admin, options }: Member, knowsOptions: boolean): string {
  const grant = `GRANT ${identifier(role)} TO ${identifier(member)}`;
  if (options && knowsOptions) return `${grant} WITH ADMIN ${admin}, INHERIT ${options.inherit}, SET ${options.set}`;
  return admin ? `${grant} WITH ADMIN OPTION` : grant;
}

/** Makes the app's database anew, empty, as the source's is: the target has nothing that is not a copy. */
export async function recreateDatabase(client: Client, name: string, { database }: Surroundings): Promise<void> {
  const locale =
    database.provider === 'i'
      ? ` LOCALE_PROVIDER icu ICU_LOCALE ${literal(database.locale ?? 'und')}`
      : database.provider === 'b'
        ? ` LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(database.locale ?? 'C')}`
        : '';
  await client.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
  await client.query(
    `CREATE DATABASE ${identifier(name)} TEMPLATE template0 OWNER ${identifier(database.owner)} ENCODING ${literal(database.encoding)}
      LC_COLLATE ${literal(database.collate)} LC_CTYPE ${literal(database.ctype)}${locale}`,
  );
}

/** Grants on the database and settings of it and of roles. */
export async function importDatabaseProperties(client: Client, name: string, from: Surroundings): Promise<void> {
  const database = identifier(name);
  if (from.database.acl) {
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    for (const { grantee, privilege, grantable } of from.database.acl)
      await client.query(
        `GRANT ${privilege} ON DATABASE ${database} TO ${grantee ? identifier(grantee) : 'PUBLIC'}${grantable ? ' WITH GRANT OPTION' : ''}`,
      );
  }
  for (const { role, name: setting, value } of from.settings) {
    const of = role ? `ROLE ${identifier(role)} IN DATABASE ${database}` : `DATABASE ${database}`;
    const set = `ALTER ${of} SET ${identifier(setting)} TO ${settingValue(setting, value)}`;
    await client.query(set).catch((error) => {
      // One that newer versions have given up: it would do nothing there.
      if (stateOf(error) !== '42704') throw error;
      log.warn({ setting, of }, 'this version of PostgreSQL does not know the setting; it is left out');
    });
  }
}

/** Lists of names are stored quoted already; quoting them again would make one name of them. */
const listSettings = ['search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries'];

const settingValue = (name: string, value: string) =>
  listSettings.includes(name.toLowerCase()) && value !== '' ? value : literal(value);
