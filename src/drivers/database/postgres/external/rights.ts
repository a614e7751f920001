import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { userRelations } from '../catalog.ts';
import type { Client } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';

/**
 * What the administrator's account of a database that Storky does not run must be able to do, to be followed live and to be
 * switched without a loss. Each finding names the statement that gives what is missing.
 */
export async function checkRights(client: Client, instance: DatabaseInstance): Promise<Finding[]> {
  const { rows } = await client.query<Facts>(facts, [instance.user]);
  const all = rows[0]!;
  return [...needed(all, instance), ...wished(all, instance)];
}

interface Facts {
  admin: string;
  database: string;
  superuser: boolean;
  replication: boolean;
  /** The role that gives it, where a provider has one. */
  replicationRole: string | null;
  create: boolean;
  databaseOwner: string;
  ownsDatabase: boolean;
  /** Owners of tables and sequences whose rights the administrator has not. */
  owners: string[];
  signals: boolean;
  sees: boolean;
  /** The app's account has the administrator's rights, or a superuser's. */
  appIsAdmin: boolean;
  /** Tables whose rows the administrator may not see all. */
  hidden: string[];
}

const facts = `
  SELECT r.rolname AS admin, current_database() AS database, r.rolsuper AS superuser,
    r.rolsuper OR r.rolreplication OR coalesce(pg_has_role(p.oid, 'USAGE'), false) AS replication, p.rolname AS "replicationRole",
    has_database_privilege(current_database(), 'CREATE') AS create,
    pg_get_userbyid(d.datdba) AS "databaseOwner", pg_has_role(d.datdba, 'USAGE') AS "ownsDatabase",
    ARRAY(SELECT DISTINCT pg_get_userbyid(c.relowner)::text ${userRelations("'r', 'p', 'S'")} AND NOT pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e') ORDER BY 1) AS owners,
    pg_has_role('pg_signal_backend', 'USAGE') OR pg_has_role($1, 'USAGE') AS signals,
    pg_has_role('pg_read_all_stats', 'USAGE') AS sees,
    a.rolsuper OR pg_has_role(a.oid, r.oid, 'MEMBER') AS "appIsAdmin",
    ARRAY(SELECT c.oid::regclass::text ${userRelations("'r', 'p'")} AND c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls)
      AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE')) ORDER BY 1) AS hidden
  FROM pg_roles r JOIN pg_database d ON d.datname = current_database() JOIN pg_roles a ON a.rolname = $1
    LEFT JOIN pg_roles p ON p.rolname IN ('rds_replication', 'cloudsqlreplica') WHERE r.rolname = session_user`;

function needed(f: Facts, { user }: DatabaseInstance): Finding[] {
  const admin = identifier(f.admin);
  const database = identifier(f.database);
  return [
    right('right-replication', f.replication, 'it may make a replication slot and read from it', [
      f.replicationRole
        ? `GRANT ${identifier(f.replicationRole)} TO ${admin};`
        : `ALTER ROLE ${admin} REPLICATION; -- as a superuser`,
    ]),
    right('right-create', f.create, 'it may make the schema and the publication of a move', [
      `GRANT CREATE ON DATABASE ${database} TO ${admin};`,
    ]),
    right(
      'right-tables',
      f.owners.length === 0,
      'it may publish and lock every table and sequence, as their owner may',
      f.owners.map((owner) => `GRANT ${identifier(owner)} TO ${admin};`),
    ),
    right('right-rows', f.hidden.length === 0, `it sees every row${list(f.hidden)}`, [
      `ALTER ROLE ${admin} BYPASSRLS; -- as a superuser`,
    ]),
    right(
      'right-close',
      f.ownsDatabase,
      'it may close the database to everybody else at the switch, as its owner may',
      [`GRANT ${identifier(f.databaseOwner)} TO ${admin};`],
    ),
    right('right-end-sessions', f.signals, 'it may end the sessions of the app at the switch', [
      `GRANT pg_signal_backend TO ${admin};`,
    ]),
    right('app-account', !f.appIsAdmin, 'the app has an account with fewer rights than the administrator', [
      `REVOKE ${admin} FROM ${identifier(user)};`,
      `ALTER ROLE ${identifier(user)} NOSUPERUSER;`,
    ]),
  ];
}

const list = (names: string[]) => (names.length > 0 ? ` of ${names.join(', ')}` : '');

function right(id: string, has: boolean, what: string, statements: string[]): Finding {
  if (has) return { id, verdict: 'pass', detail: what, remedy: null };
  return { id, verdict: 'fail', detail: `missing: ${what}`, remedy: `Run: ${statements.join(' ')}` };
}

/** Without these the move is as safe, but says less or holds less. */
function wished(f: Facts, { host, external }: DatabaseInstance): Finding[] {
  const admin = identifier(f.admin);
  const unsafe = ['disable', 'require'].includes(external!.parameters.sslmode ?? '') && !isLoopback(host);
  return [
    wish(
      'right-see-sessions',
      f.sees,
      'it sees which transactions of others are long',
      'a long transaction of another account is only noticed when the switch cannot end in time and backs out',
      `Run: GRANT pg_read_all_stats TO ${admin};`,
    ),
    wish(
      'right-hold-ddl',
      f.superuser,
      'a change of the structure in the freeze is held',
      'a table that somebody else than the app makes within the freeze is not held back, and would stay behind; changes before it are noticed',
      'Change no structure by hand during the switch. Only a superuser can make the event trigger that would hold it.',
    ),
    wish(
      'encryption',
      !unsafe,
      'the way to the database is encrypted and proven, or is this host',
      external!.parameters.sslmode === 'disable'
        ? 'the way is not encrypted'
        : 'the way is encrypted, but nobody proves whose it is',
      'Add ?sslmode=verify-full&sslrootcert=FILE to the address.',
    ),
  ];
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');

function wish(id: string, has: boolean, good: string, bad: string, remedy: string): Finding {
  return has ? { id, verdict: 'pass', detail: good, remedy: null } : { id, verdict: 'warn', detail: bad, remedy };
}
