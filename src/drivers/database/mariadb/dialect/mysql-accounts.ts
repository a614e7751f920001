/** Accounts of MySQL, by documented statements only. Not run against a real server: see mysql.ts. */
import type { Accounts } from '../accounts.ts';
import { notOurAccount, storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import type { Exemption } from './dialect.ts';

const named = `CONCAT(QUOTE(User), '@', QUOTE(Host))`;
const ofApp = `FROM mysql.user WHERE ${notOurAccount('User')}`;

/** What makes each of them again: CREATE USER with the hash of the password, then GRANT, then what needs these. */
export async function readAccounts(client: Client): Promise<Accounts> {
  await client.query('SET print_identified_with_as_hex = ON');
  const accounts = (await client.query(`SELECT ${named} AS account ${ofApp} ORDER BY 1`)).map(
    ({ account }) => account!,
  );
  if (accounts.length === 0) return { statements: [] };
  const answers = await client.batch(
    ...accounts.flatMap((account) => [`SHOW CREATE USER ${account}`, `SHOW GRANTS FOR ${account}`]),
  );
  const texts = answers.map((rows) => rows.map((row) => Object.values(row)[0]!));
  const created = accounts.map((account, n) => withoutDefaultRole(account, texts[2 * n]![0]!));
  const granted = accounts.flatMap((_, n) => texts[2 * n + 1]!);
  const statements = [...created.map(({ create }) => create), ...granted, ...created.flatMap(({ roles }) => roles)];
  return { statements: statements.map((sql) => ({ sql })) };
}

/** A role that is active by default has to be there, and granted, before it is said. */
export function withoutDefaultRole(account: string, sql: string): { create: string; roles: string[] } {
  const name = '`(?:[^`]|``)*`@`(?:[^`]|``)*`';
  const clause = new RegExp(` DEFAULT ROLE (${name}(?:, ?${name})*)`).exec(sql);
  if (!clause) return { create: sql, roles: [] };
  return { create: sql.replace(clause[0], () => ''), roles: [`SET DEFAULT ROLE ${clause[1]} TO ${account}`] };
}

/** Makes the accounts here exactly those. */
export async function replaceAccounts(client: Client, { statements = [] }: Accounts): Promise<void> {
  const here = await client.query(`SELECT ${named} AS account ${ofApp}`);
  if (here.length > 0) await client.query(`DROP USER ${here.map(({ account }) => account).join(', ')}`);
  for (const { sql } of statements) await client.query(sql!);
}

/** A role is a locked account here. */
export const openAccounts = `SELECT ${named} AS account, 1 AS said ${ofApp} AND account_locked = 'N'`;

export const accountLocks = `SELECT ${named} AS account, IF(account_locked = 'Y', '1', '0') AS locked ${ofApp}`;

/** An account that was dropped meanwhile is no reason to keep the others out. */
export async function letIn(client: Client): Promise<void> {
  const there = new Set((await client.query(accountLocks)).map(({ account }) => account!));
  const remembered = await client.query(`SELECT account FROM ${storkySchema}.sealed_account`);
  const accounts = remembered.map(({ account }) => account!).filter((account) => there.has(account));
  if (accounts.length > 0) await client.query(`ALTER USER ${accounts.join(', ')} ACCOUNT UNLOCK`);
}

/** The rights of the app's accounts, of those that are named. */
const rights = (...names: string[]) =>
  `SELECT ${named} AS account, User AS name, p.PRIVILEGE_TYPE AS privilege, p.IS_GRANTABLE AS grantable
    FROM mysql.user JOIN information_schema.USER_PRIVILEGES p ON p.GRANTEE = CONCAT('\\'', User, '\\'@\\'', Host, '\\'')
    WHERE p.PRIVILEGE_TYPE IN (${names.map((name) => `'${name}'`).join(', ')}) AND ${notOurAccount('User')}`;

/** With either of them one may write although the server is read-only. */
export async function exemptions(client: Client): Promise<Exemption[]> {
  return (await client.query(rights('SUPER', 'CONNECTION_ADMIN'))).map(({ account, privilege, grantable }) => ({
    revoke: `REVOKE ${privilege} ON *.* FROM ${account}`,
    granted: `${privilege} ON *.* TO ${account}${grantable === 'YES' ? ' WITH GRANT OPTION' : ''}`,
  }));
}

export const unloggedWriters = `SELECT DISTINCT r.name AS name FROM (${rights('SUPER', 'SYSTEM_VARIABLES_ADMIN', 'SESSION_VARIABLES_ADMIN')}) r`;
