import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { grantable, identifier, literal } from '../wire/sql.ts';
import { Grants } from './grants.ts';

/** On the whole server, each with what it is for. */
const onServer: [id: string, right: string, what: string][] = [
  ['right-stream', 'REPLICATION SLAVE', 'it may read the binary log'],
  ['right-position', 'BINLOG MONITOR', 'it may see how far the binary log is'],
  ['right-see-sessions', 'PROCESS', 'it sees the sessions and transactions of the app'],
  ['right-close', 'CREATE USER', "it may lock the app's accounts at the switch"],
];
const toRead = ['SELECT', 'LOCK TABLES', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'EXECUTE'];
const toKeep = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP'];

/**
 * What the administrator's account of a database that Storky does not run must be able to do, to be followed live and to be
 * switched without a loss. Each finding names the statement that gives what is missing.
 */
export async function checkRights(client: Client, instance: DatabaseInstance): Promise<Finding[]> {
  const grants = await Grants.of(client);
  const admin = await grantee(client);
  const { database } = instance;
  const give = (rights: string[], where: string) => `GRANT ${rights.join(', ')} ON ${where} TO ${admin};`;
  const lacks = toRead.filter((right) => !grants.hasIn(database, right));
  const keepsNot = toKeep.filter((right) => !grants.hasIn(storkySchema, right));
  return [
    ...onServer.map(([id, right, what]) => need(id, grants.has(right), what, give([right], '*.*'))),
    need(
      'right-database',
      lacks.length === 0,
      'it may read and lock every table, and read views, triggers, routines and events',
      give(lacks, `${grantable(database)}.*`),
    ),
    need(
      'right-storky',
      keepsNot.length === 0,
      `it may have a database ${storkySchema} for what a move writes down`,
      give(['ALL PRIVILEGES'], `${identifier(storkySchema)}.*`),
    ),
    ...(await routines(client, grants, admin, database)),
    await writable(client),
    await events(client, database),
    await otherAccounts(client, grants, admin, instance),
    encrypted(instance),
  ];
}

/** As GRANT names the session's account. */
export async function grantee(client: Client): Promise<string> {
  const [user, host] = partsOf((await client.value('SELECT CURRENT_USER()'))!);
  return `${identifier(user)}@${identifier(host)}`;
}

/** `user@host`, as the server prints an account. */
export function partsOf(account: string): [user: string, host: string] {
  const at = account.lastIndexOf('@');
  return [account.slice(0, at), account.slice(at + 1)];
}

function need(id: string, has: boolean, what: string, statement: string): Finding {
  if (has) return { id, verdict: 'pass', detail: what, remedy: null };
  return { id, verdict: 'fail', detail: `missing: ${what}`, remedy: `Run: ${statement}` };
}

/** The marker is written there, so a replica will not do. */
async function writable(client: Client): Promise<Finding> {
  const readOnly = (await client.value('SELECT @@global.read_only')) !== '0';
  const detail = readOnly ? 'the server is read-only: a replica, perhaps' : 'the server may be written';
  const remedy = readOnly ? 'Give the address of the server that the app writes to.' : null;
  return { id: 'read-only', verdict: readOnly ? 'fail' : 'pass', detail, remedy };
}

/** Only their definers and those who may read the table that they are in see what they do. */
async function routines(client: Client, grants: Grants, admin: string, database: string): Promise<Finding[]> {
  const count = Number(
    await client.value(`SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ${literal(database)}`),
  );
  if (count === 0) return [];
  const has = grants.hasOn('mysql', 'proc', 'SELECT');
  return [need('right-routines', has, 'it may read what routines do', `GRANT SELECT ON mysql.proc TO ${admin};`)];
}

/** Whoever stops one becomes its definer, and the other side would be told of it by the stream. */
async function events(client: Client, database: string): Promise<Finding> {
  const enabled = await client.query(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ${literal(database)} AND STATUS = 'ENABLED'`,
  );
  const names = enabled.map(({ name }) => name!);
  const detail = names.length > 0 ? `scheduled events: ${names.join(', ')}` : 'no scheduled events';
  const remedy = `They cannot be stopped there at the switch: ${names.map((name) => `ALTER EVENT ${identifier(name)} DISABLE;`).join(' ')} and enable them on the new side; or use the carrier \`backup\`.`;
  return {
    id: 'events',
    verdict: names.length > 0 ? 'fail' : 'pass',
    detail,
    remedy: names.length > 0 ? remedy : null,
  };
}

async function otherAccounts(
  client: Client,
  grants: Grants,
  admin: string,
  { user, adminUser, database }: DatabaseInstance,
): Promise<Finding> {
  const id = 'other-accounts';
  if (!grants.hasIn('mysql', 'SELECT'))
    return {
      id,
      verdict: 'warn',
      detail: `it does not see which accounts there are: ${user} is locked at the switch as it logs in from here, and nobody else`,
      remedy: `Run: GRANT SELECT ON mysql.* TO ${admin};`,
    };
  const rows = await client.query(
    `SELECT DISTINCT CONCAT(User, '@', Host) AS name FROM mysql.db WHERE ${literal(database)} LIKE Db AND User NOT IN (${literal(user)}, ${literal(adminUser)}) AND Db <> '%' ORDER BY 1`,
  );
  if (rows.length === 0)
    return { id, verdict: 'pass', detail: "nobody but the app's accounts has rights in the database", remedy: null };
  const names = rows.map(({ name }) => name).join(', ');
  const detail = `these have rights in the database too, are not locked at the switch, and do not come along: ${names}`;
  return { id, verdict: 'warn', detail, remedy: 'See to it that they write nothing there after the switch.' };
}

function encrypted({ host, external }: DatabaseInstance): Finding {
  const mode = external!.parameters['ssl-mode']!;
  const unsafe = ['DISABLED', 'REQUIRED'].includes(mode) && !isLoopback(host);
  if (!unsafe)
    return {
      id: 'encryption',
      verdict: 'pass',
      detail: 'the way to the database is encrypted and proven, or is this host',
      remedy: null,
    };
  return {
    id: 'encryption',
    verdict: 'warn',
    detail: mode === 'DISABLED' ? 'the way is not encrypted' : 'the way is encrypted, but nobody proves whose it is',
    remedy: 'Add ?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE to the address.',
  };
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
