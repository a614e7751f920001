/**
 * MySQL 8.0 (from 8.0.30 on) and 8.4, from its manual. NOT RUN against a real server by any test of this project: none can be
 * installed where they run. What is tested is how answers, as the manual prints them, are read.
 */
import { structureParts } from '../fingerprint-parts.ts';
import { notOurAccount, storkySchema } from '../names.ts';
import { literal } from '../wire/sql.ts';
import type { Dialect, Leads } from './dialect.ts';
import { GtidSet } from './gtid-set.ts';
import {
  accountLocks,
  exemptions,
  letIn,
  openAccounts,
  readAccounts,
  replaceAccounts,
  unloggedWriters,
} from './mysql-accounts.ts';

export type MysqlSeries = '8.0' | '8.4';

/** The most that the server takes, seconds: 68 years. */
const forEver = 2 ** 31 - 1;

/** Passwords cross with the server's public key where there is no TLS: what is in between is Storky's own encrypted link. */
const leadsTo = ({ host, port, user, password }: Leads) =>
  `SOURCE_HOST = ${literal(host)}, SOURCE_PORT = ${port}, SOURCE_USER = ${literal(user)}, SOURCE_PASSWORD = ${literal(password)},
    SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000000000`;

const sets = (text: string | null) => GtidSet.parse(text ?? '');
const executed = '@@global.gtid_executed';

export const mysql = (series: MysqlSeries): Dialect => ({
  server: 'mysql',
  title: 'MySQL',
  // What is asked of the catalog is how it is now, not how it was a day ago.
  sessions: { information_schema_stats_expiry: 0 },
  loading: {},
  shortestLockWait: 1,

  position: executed,
  // 0 would be for ever.
  waitFor: (position, seconds) =>
    `WAIT_FOR_EXECUTED_GTID_SET(${literal(position)}, ${Math.max(1, Math.ceil(seconds))})`,
  beginAt: async (client, position) => {
    const missing = sets(position).minus(sets(await client.value(`SELECT ${executed}`)));
    if (!missing.empty) await client.query(`SET GLOBAL gtid_purged = ${literal(`+${missing}`)}`);
  },
  forgetPosition: async (client) =>
    void (await client.query(series === '8.0' ? 'RESET MASTER' : 'RESET BINARY LOGS AND GTIDS')),
  endOfLog: series === '8.0' ? 'SHOW MASTER STATUS' : 'SHOW BINARY LOG STATUS',
  identity: `SELECT SUBSTRING_INDEX(VERSION(), '.', 2) AS version, @@server_id AS id, @@server_uuid AS domain, @@lower_case_table_names AS names`,
  logSettings: `SELECT SUBSTRING_INDEX(VERSION(), '.', 2) AS version, @@server_id AS server, @@server_uuid AS domain,
    @@log_bin AS log, @@global.binlog_format AS format, @@global.binlog_row_image AS image, @@log_replica_updates AS echo`,

  showStream: (name) => `SHOW REPLICA STATUS FOR CHANNEL '${name}'`,
  noSuchStream: 3074,
  positionLost: [1236, 13_114],
  streamRow: (row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [olderName(column), value])),
  followFrom: (name, leads) =>
    `CHANGE REPLICATION SOURCE TO ${leadsTo(leads)}, SOURCE_AUTO_POSITION = 1, SOURCE_HEARTBEAT_PERIOD = 2 FOR CHANNEL '${name}'`,
  onlyFrom: () => [],
  receiveFrom: (name, leads, { file, at }) =>
    `CHANGE REPLICATION SOURCE TO ${leadsTo(leads)}, SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = ${literal(file)}, SOURCE_LOG_POS = ${at}, SOURCE_DELAY = ${forEver} FOR CHANNEL '${name}'`,
  startStream: (name, what) => `START REPLICA ${what ? 'IO_THREAD ' : ''}FOR CHANNEL '${name}'`,
  stopStream: (name) => `STOP REPLICA FOR CHANNEL '${name}'`,
  dropStream: (name) => `RESET REPLICA ALL FOR CHANNEL '${name}'`,
  // It keeps what it has received over a restart, and would pass over it then as if it were its own.
  takeNumber: (number) => `SET PERSIST server_id = ${number}`,
  giveNumberBack: (number) => ['RESET PERSIST IF EXISTS server_id', `SET GLOBAL server_id = ${number}`],

  /** It would wait for every statement that is under way, and everybody behind it. */
  inTheWay: async (client) => {
    const [row] = await client.query(
      `SELECT CONCAT(USER, ', thread ', ID, ', ', TIME, ' s') AS detail FROM information_schema.PROCESSLIST
        WHERE COMMAND = 'Query' AND TIME >= 1 AND ID <> CONNECTION_ID() AND ${notOurAccount('USER')} LIMIT 1`,
    );
    return row?.detail ?? undefined;
  },
  haltStructure: ['LOCK INSTANCE FOR BACKUP'],
  haltCommits: ['FLUSH TABLES WITH READ LOCK'],
  resume: ['UNLOCK TABLES', 'UNLOCK INSTANCE'],
  snapshotPosition: `SELECT ${executed} AS position`,

  holdStructure: ['LOCK INSTANCE FOR BACKUP'],
  releaseStructure: 'UNLOCK INSTANCE',
  nothingHeld: undefined,
  structureHoldsAccounts: true,
  lockWaitsEndOthers: true,
  // Only a SELECT can be limited: the caller has to end it.
  within: (_seconds, statement) => statement,
  tooLate: 1317,
  counters: `SELECT NAME AS name, AUTOINC AS next FROM information_schema.INNODB_TABLESTATS
    WHERE AUTOINC > 0 AND NAME NOT LIKE 'mysql/%' AND NAME NOT LIKE 'sys/%' AND NAME NOT LIKE '${storkySchema}/%'`,
  ddlCount: async (client) => {
    const counts = await client.query(
      `SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_(create|alter|drop|rename)_' AND Variable_name NOT REGEXP '_(user|role)$'`,
    );
    return String(counts.reduce((sum, { Value }) => sum + BigInt(Value!), 0n));
  },
  structureParts: structureParts.map(([table, schema, columns]) => [table, schema, structureColumns[table] ?? columns]),

  readAccounts,
  replaceAccounts,
  createReader: (name, password) => [
    `DROP USER IF EXISTS ${name}`,
    `CREATE USER ${name} IDENTIFIED BY ${literal(password)}`,
    `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, PROCESS, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${name}`,
    `GRANT BACKUP_ADMIN, CONNECTION_ADMIN, SHOW_ROUTINE ON *.* TO ${name}`,
  ],
  openAccounts,
  letIn,
  accountLocks,
  setLock: (account, locked) => `ALTER USER ${account} ACCOUNT ${locked === '1' ? 'LOCK' : 'UNLOCK'}`,
  exemptions,
  grantBack: (granted) => `GRANT ${granted}`,
  endSession: (id) => `KILL CONNECTION ${id}`,

  unloggedWriters,
  logRetention: 'SELECT @@global.binlog_expire_logs_seconds',
  eventStates: {
    ENABLED: 'ENABLE',
    DISABLED: 'DISABLE',
    SLAVESIDE_DISABLED: series === '8.0' ? 'DISABLE ON SLAVE' : 'DISABLE ON REPLICA',
    REPLICA_SIDE_DISABLED: 'DISABLE ON REPLICA',
  },
  furtherLogSettings: { gtid_mode: 'ON', enforce_gtid_consistency: 'ON', binlog_row_value_options: '' },
  untried:
    'Storky speaks to MySQL as its manual says, and has never been run against a real MySQL server by its own tests',
});

/** `Relay_Source_Log_File` was once `Relay_Master_Log_File`. */
const olderName = (column: string) => column.replaceAll('Replica', 'Slave').replaceAll('Source', 'Master');

/** Where its catalog has other columns. */
const structureColumns: Record<string, string> = {
  STATISTICS:
    'TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE, SUB_PART, INDEX_TYPE, EXPRESSION, IS_VISIBLE',
  CHECK_CONSTRAINTS: 'CONSTRAINT_SCHEMA, CONSTRAINT_NAME, CHECK_CLAUSE',
};
