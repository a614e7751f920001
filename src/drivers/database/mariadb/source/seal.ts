import { notOurAccount, storkySchema } from '../names.ts';
import { dropUnneeded, storkyTables } from '../storky-schema.ts';
import type { Client } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { endSession } from './sessions.ts';

export const createSealTable = [
  `CREATE DATABASE IF NOT EXISTS ${storkySchema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  `CREATE TABLE IF NOT EXISTS ${storkySchema}.sealed_account (account VARCHAR(400) NOT NULL PRIMARY KEY, said BOOL NOT NULL) ENGINE = InnoDB`,
  `CREATE TABLE IF NOT EXISTS ${storkySchema}.sealed_setting (name VARCHAR(64) NOT NULL PRIMARY KEY, value VARCHAR(64) NOT NULL) ENGINE = InnoDB`,
];

/** Who has not said a name yet may be Storky; an account is looked at after that, and is locked by then. */
const others = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()
  AND ${notOurAccount('USER')} AND USER NOT IN ('system user', 'event_scheduler', 'unauthenticated user')`;

/**
 * The durable half of the fence: nobody but Storky may log in, which outlives this process and a restart of the server
 * (invariant 6). Who could, is remembered first. Sessions that are there are ended.
 */
export async function shutOut(client: Client, remember: () => void): Promise<void> {
  const accounts = await client.query(client.dialect.openAccounts);
  const rows = accounts.map(({ account, said }) => `(${literal(account!)}, ${said})`);
  await client.batch(
    `INSERT IGNORE INTO ${storkySchema}.sealed_setting VALUES ('event_scheduler', @@event_scheduler), ('read_only', @@read_only)`,
    ...(rows.length > 0 ? [`INSERT IGNORE INTO ${storkySchema}.sealed_account VALUES ${rows.join(', ')}`] : []),
  );
  remember();
  if (accounts.length > 0)
    await client.query(`ALTER USER ${accounts.map(({ account }) => account).join(', ')} ACCOUNT LOCK`);
  await endSessions(client);
}

/** Accounts that came, or were opened, after the seal are shut out like the others. */
export async function shutOutNewcomers(client: Client): Promise<void> {
  if ((await client.query(client.dialect.openAccounts)).length > 0) await shutOut(client, () => {});
}

/** One by one: a session that is gone already must not keep the others. Says whether there was any. */
async function endSessions(client: Client): Promise<boolean> {
  const sessions = await client.query(others);
  await Promise.all(sessions.map(({ id }) => endSession(client, id!)));
  return sessions.length > 0;
}

/** Resolves when every ended session is gone: until then the table locks must stay. Throws after 30 s. */
export async function sessionsGone(client: Client): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    if (!(await endSessions(client))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('a session of the app does not end');
}

/** No event begins any more. Those that run are sessions of their makers. */
export const stopEvents = (client: Client) => client.query('SET GLOBAL event_scheduler = OFF');

/** Events do not run on the passive side, and a stray write is refused by the server itself. Not in the freeze. */
export async function quieten(client: Client): Promise<void> {
  await stopEvents(client);
  await client.query('SET GLOBAL read_only = ON');
}

/** The database is as it was before the seal. Idempotent, from any state. */
export async function unseal(client: Client): Promise<void> {
  const there = await storkyTables(client);
  if (there.has('sealed_setting'))
    for (const { name, value } of await client.query(`SELECT name, value FROM ${storkySchema}.sealed_setting`))
      await client.query(`SET GLOBAL ${name} = ${value}`);
  await letIn(client);
  if (there.has('sealed_setting')) await client.query(`DELETE FROM ${storkySchema}.sealed_setting`);
  await dropUnneeded(client);
}

/** Everybody may log in who could before the seal; what they may do is another matter. Idempotent. */
export async function letIn(client: Client): Promise<void> {
  if (!(await storkyTables(client)).has('sealed_account')) return;
  await client.dialect.letIn(client);
  await client.query(`DELETE FROM ${storkySchema}.sealed_account`);
}

/** The seal is history: the settings from before it are not asked for any more. Idempotent. */
export async function forgetSeal(client: Client): Promise<void> {
  if ((await storkyTables(client)).has('sealed_setting'))
    await client.query(`DELETE FROM ${storkySchema}.sealed_setting`);
}
