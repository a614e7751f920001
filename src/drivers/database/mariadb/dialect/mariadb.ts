import { filterStatements } from '../external/filter.ts';
import { structureParts } from '../fingerprint-parts.ts';
import { notOurAccount, storkySchema } from '../names.ts';
import { beginAt } from '../position.ts';
import type { Row } from '../wire/connect.ts';
import { identifier, literal } from '../wire/sql.ts';
import type { Dialect, Leads } from './dialect.ts';

const named = `CONCAT(QUOTE(User), '@', QUOTE(Host))`;
const accountTables = [
  'global_priv',
  'db',
  'tables_priv',
  'columns_priv',
  'procs_priv',
  'roles_mapping',
  'proxies_priv',
];
/** These may write although the server is read-only. Before 10.11, SUPER did too. */
const exempt = `PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', 'READ ONLY ADMIN')`;
/** The official image asks its own server with it, by a password that is in the container's data. */
const imageAccount = { name: 'healthcheck', hosts: ['localhost', '127.0.0.1', '::1'] };
const ofImage = `(User = '${imageAccount.name}' AND Host IN (${imageAccount.hosts.map(literal).join(', ')}))`;
const isOfImage = ({ User, Host }: Row) => User === imageAccount.name && imageAccount.hosts.includes(Host ?? '');

/** The most that the server takes, seconds: 68 years. */
const forEver = 2 ** 31 - 1;

const leadsTo = ({ host, port, user, password }: Leads) =>
  `MASTER_HOST = ${literal(host)}, MASTER_PORT = ${port}, MASTER_USER = ${literal(user)}, MASTER_PASSWORD = ${literal(password)}, MASTER_SSL = 0, MASTER_CONNECT_RETRY = 1`;

export const mariadb: Dialect = {
  server: 'mariadb',
  title: 'MariaDB',
  sessions: {},
  loading: { check_constraint_checks: 0 },
  shortestLockWait: 0,

  position: '@@gtid_binlog_pos',
  waitFor: (position, seconds) => `MASTER_GTID_WAIT(${literal(position)}, ${seconds})`,
  beginAt,
  forgetPosition: () => Promise.resolve(),
  endOfLog: 'SHOW MASTER STATUS',
  identity: `SELECT SUBSTRING_INDEX(VERSION(), '.', 2) AS version, @@server_id AS id, @@gtid_domain_id AS domain, @@lower_case_table_names AS names`,
  logSettings: `SELECT SUBSTRING_INDEX(VERSION(), '.', 2) AS version, @@server_id AS server, @@gtid_domain_id AS domain,
    @@log_bin AS log, @@global.binlog_format AS format, @@global.binlog_row_image AS image, @@log_slave_updates AS echo`,

  showStream: (name) => `SHOW SLAVE '${name}' STATUS`,
  noSuchStream: 1617,
  positionLost: [1236],
  streamRow: (row) => row,
  followFrom: (name, leads) =>
    `CHANGE MASTER '${name}' TO ${leadsTo(leads)}, MASTER_USE_GTID = slave_pos, MASTER_HEARTBEAT_PERIOD = 2`,
  onlyFrom: filterStatements,
  receiveFrom: (name, leads, { file, at }) =>
    `CHANGE MASTER '${name}' TO ${leadsTo(leads)}, MASTER_USE_GTID = no, MASTER_LOG_FILE = ${literal(file)}, MASTER_LOG_POS = ${at}, MASTER_DELAY = ${forEver}`,
  startStream: (name, what) => `START SLAVE '${name}'${what ? ' IO_THREAD' : ''}`,
  stopStream: (name) => `STOP SLAVE '${name}'`,
  dropStream: (name) => `RESET SLAVE '${name}' ALL`,
  takeNumber: (number) => `SET GLOBAL server_id = ${number}`,
  giveNumberBack: (number) => [`SET GLOBAL server_id = ${number}`],

  inTheWay: () => Promise.resolve(undefined),
  haltStructure: ['BACKUP STAGE START', 'BACKUP STAGE FLUSH', 'BACKUP STAGE BLOCK_DDL'],
  haltCommits: ['BACKUP STAGE BLOCK_COMMIT'],
  resume: ['BACKUP STAGE END'],
  snapshotPosition: `SHOW STATUS LIKE 'binlog_snapshot_%'`,

  holdStructure: ['BACKUP STAGE START', 'BACKUP STAGE BLOCK_DDL'],
  releaseStructure: 'BACKUP STAGE END',
  nothingHeld: 4146,
  structureHoldsAccounts: false,
  lockWaitsEndOthers: false,
  within: (seconds, statement) => `SET STATEMENT max_statement_time = ${seconds.toFixed(3)} FOR ${statement}`,
  tooLate: 1969,
  counters: `SELECT NAME AS name, AUTOINC AS next FROM information_schema.INNODB_SYS_TABLESTATS
    WHERE AUTOINC > 0 AND NAME NOT LIKE 'mysql/%' AND NAME NOT LIKE '${storkySchema}/%'`,
  ddlCount: async (client) =>
    (await client.value(
      `SELECT SUM(VARIABLE_VALUE) AS ddl FROM information_schema.GLOBAL_STATUS
        WHERE VARIABLE_NAME REGEXP '^COM_(CREATE|ALTER|DROP|RENAME)_' AND VARIABLE_NAME NOT REGEXP '_(USER|ROLE|TEMPORARY_TABLE)$'`,
    ))!,
  structureParts,

  readAccounts: async (client) => {
    const answers = await client.batch(
      ...accountTables.map(
        (table) => `SELECT * FROM mysql.${table} WHERE ${notOurAccount('User')} ORDER BY Host, User`,
      ),
    );
    return Object.fromEntries(accountTables.map((table, n) => [table, answers[n]!]));
  },
  /** Columns that this server does not have, or has in addition, are left out. */
  replaceAccounts: async (client, accounts, contained) => {
    const others = contained ? `${notOurAccount('User')} AND NOT ${ofImage}` : notOurAccount('User');
    for (const table of accountTables) {
      const here = new Set((await client.query(`SHOW COLUMNS FROM mysql.${table}`)).map(({ Field }) => Field!));
      await client.query(`DELETE FROM mysql.${table} WHERE ${others}`);
      for (const row of accounts[table] ?? []) {
        if (contained && isOfImage(row)) continue;
        const columns = Object.keys(row).filter((column) => here.has(column));
        const values = columns.map((column) => (row[column] === null ? 'NULL' : literal(row[column]!)));
        await client.query(
          `INSERT INTO mysql.${table} (${columns.map(identifier).join(', ')}) VALUES (${values.join(', ')})`,
        );
      }
    }
    await client.query('FLUSH PRIVILEGES');
  },
  createReader: (name, password) => [
    `CREATE OR REPLACE USER ${name} IDENTIFIED BY ${literal(password)}`,
    `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, PROCESS, RELOAD, REPLICATION SLAVE, BINLOG MONITOR, READ ONLY ADMIN ON *.* TO ${name}`,
  ],
  openAccounts: `SELECT ${named} AS account, JSON_EXISTS(Priv, '$.account_locked') AS said FROM mysql.global_priv
    WHERE COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) <> 1 AND COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) <> 1 AND ${notOurAccount('User')}`,
  letIn: async (client) => {
    // An account that was dropped meanwhile is no reason to keep the others out.
    // Taken back to the letter: ALTER USER would leave a word where there was none.
    const remembered = (said: number) =>
      `${named} IN (SELECT account FROM ${storkySchema}.sealed_account WHERE said = ${said})`;
    await client.batch(
      `UPDATE mysql.global_priv SET Priv = JSON_COMPACT(JSON_REMOVE(Priv, '$.account_locked')) WHERE ${remembered(0)}`,
      `UPDATE mysql.global_priv SET Priv = JSON_COMPACT(JSON_SET(Priv, '$.account_locked', false)) WHERE ${remembered(1)}`,
      'FLUSH PRIVILEGES',
    );
  },
  accountLocks: `SELECT ${named} AS account, JSON_VALUE(Priv, '$.account_locked') AS locked FROM mysql.global_priv WHERE ${notOurAccount('User')}`,
  /** To the letter: ALTER USER would leave a word where there was none. `locked` is '1', '0' or nothing. */
  setLock: (account, locked) => {
    const priv =
      locked === null
        ? `JSON_REMOVE(Priv, '$.account_locked')`
        : `JSON_SET(Priv, '$.account_locked', ${locked === '1' ? 'true' : 'false'})`;
    return `UPDATE mysql.global_priv SET Priv = JSON_COMPACT(${priv}) WHERE ${named} = ${literal(account)}`;
  },
  exemptions: async (client) => {
    // What is in GRANTEE is quoted but not escaped, so it cannot be used as it is.
    const grantees = await client.query(
      `SELECT CONCAT(QUOTE(g.User), '@', QUOTE(g.Host)) AS g FROM mysql.global_priv g WHERE ${notOurAccount('g.User')}
        AND CONCAT('\\'', g.User, '\\'@\\'', g.Host, '\\'') IN (SELECT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE ${exempt})`,
    );
    return grantees.map(({ g }) => ({ revoke: `REVOKE READ ONLY ADMIN ON *.* FROM ${g}`, granted: g! }));
  },
  grantBack: (granted) => `GRANT READ ONLY ADMIN ON *.* TO ${granted}`,
  endSession: (id) => `KILL HARD CONNECTION ${id}`,

  unloggedWriters: `SELECT u.User AS name FROM mysql.user u WHERE u.Super_priv = 'Y' AND ${notOurAccount('u.User')} AND u.is_role = 'N'`,
  logRetention: 'SELECT ROUND(@@global.expire_logs_days * 86400)',
  eventStates: { ENABLED: 'ENABLE', DISABLED: 'DISABLE', SLAVESIDE_DISABLED: 'DISABLE ON SLAVE' },
  furtherLogSettings: {},
  untried: undefined,
};
