import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { carriedTables, oldestTransaction, preparedTransactions, sequencesOf } from '../catalog.ts';
import { checkContainer, lasting } from '../container/check.ts';
import { checkRights } from '../external/rights.ts';
import { appSchema } from '../names.ts';
import { readSequences } from '../sequences.ts';
import type { Client } from '../wire/connect.ts';

/** The prerequisites of `live`, each with its remedy. */
export async function checkSource(client: Client, instance: DatabaseInstance): Promise<Finding[]> {
  const questions = [
    log,
    format,
    image,
    retention,
    durability,
    engines,
    versioned,
    keys,
    floats,
    sequences,
    unloggedWriters,
    transactions,
    prepared,
  ];
  const findings: Finding[] = [...untried(client)];
  if (!instance.external) {
    for (const ask of questions) findings.push(await ask(client, instance));
    if (!instance.guest) return findings;
    return [...findings, ...(await checkContainer(client, instance.addon))];
  }
  // What a right that is missing hides is asked for when the right is there.
  findings.push(...(await checkRights(client, instance)));
  const missing = (id: string) => findings.some((known) => known.id === id && known.verdict === 'fail');
  const hidden = [
    unloggedWriters,
    ...(missing('right-position') ? [log] : []),
    ...(missing('right-see-sessions') ? [transactions] : []),
    ...(missing('right-database') ? [sequences] : []),
  ];
  for (const ask of questions.filter((one) => !hidden.includes(one))) findings.push(await ask(client, instance));
  return findings;
}

function untried({ dialect }: Client): Finding[] {
  const remedy = 'Rehearse the whole move with a copy of the app first, or use the carrier `backup`.';
  return dialect.untried ? [finding('untried-engine', 'warn', dialect.untried, remedy)] : [];
}

const finding = (id: string, bad: false | 'warn' | 'fail', detail: string, remedy: string): Finding => ({
  id,
  verdict: bad || 'pass',
  detail,
  remedy: bad ? remedy : null,
});

async function log(client: Client, instance: DatabaseInstance): Promise<Finding> {
  const { identity, endOfLog, furtherLogSettings } = client.dialect;
  const log = await client.value('SELECT @@log_bin');
  const [[row], [status]] = [await client.query(identity), await client.query(endOfLog)];
  const filters = status?.Binlog_Do_DB || status?.Binlog_Ignore_DB;
  for (const [name, wanted] of Object.entries(furtherLogSettings)) {
    const value = await client.value(`SELECT @@global.${name}`);
    if (value !== wanted)
      return finding(
        'binary-log',
        'fail',
        `${name} is ${value}`,
        lasting(
          instance,
          `--${name.replaceAll('_', '-')}=${wanted}`,
          `Set ${name} = '${wanted}' and restart the database.`,
        ),
      );
  }
  if (log === '1' && filters)
    return finding(
      'binary-log',
      'fail',
      'the binary log leaves databases out',
      'Remove binlog_do_db and binlog_ignore_db.',
    );
  return finding(
    'binary-log',
    log !== '1' && 'fail',
    log === '1' ? `on, server ${row!.id}, domain ${row!.domain}` : 'the binary log is off',
    lasting(
      instance,
      '--log-bin and --binlog-format=ROW (and --log-bin-trust-function-creators where the app itself makes triggers or functions)',
      'Set log_bin = ON and restart the database. Where a provider runs it, that is theirs to do: `storky allow-live ADDON` holds the requests meanwhile.',
    ),
  );
}

async function format(client: Client, instance: DatabaseInstance): Promise<Finding> {
  const value = await client.value('SELECT @@global.binlog_format');
  const remedy =
    "SET GLOBAL binlog_format = 'ROW', and write it into the configuration; sessions that are there keep theirs.";
  return finding(
    'binlog-format',
    value !== 'ROW' && 'fail',
    `binlog_format is ${value}`,
    lasting(instance, '--binlog-format=ROW', remedy),
  );
}

async function image(client: Client, instance: DatabaseInstance): Promise<Finding> {
  const value = await client.value('SELECT @@global.binlog_row_image');
  const remedy = "SET GLOBAL binlog_row_image = 'FULL', and write it into the configuration.";
  return finding(
    'binlog-row-image',
    value !== 'FULL' && 'fail',
    `binlog_row_image is ${value}`,
    lasting(instance, '--binlog-row-image=FULL', remedy),
  );
}

async function retention(client: Client): Promise<Finding> {
  const seconds = Number(await client.value(client.dialect.logRetention));
  const short = seconds > 0 && seconds < 86_400;
  const detail = seconds === 0 ? 'logs are kept' : `logs are kept for ${Math.round(seconds / 3600)} h`;
  return finding('log-retention', short && 'warn', detail, 'Set binlog_expire_logs_seconds to a day at least.');
}

async function durability(client: Client): Promise<Finding> {
  const [row] = await client.query(`SELECT @@sync_binlog AS log, @@innodb_flush_log_at_trx_commit AS flush`);
  const weak = row!.log !== '1' || row!.flush !== '1';
  const detail = `sync_binlog ${row!.log}, innodb_flush_log_at_trx_commit ${row!.flush}`;
  return finding(
    'durability',
    weak && 'warn',
    detail,
    'Set both to 1: else a crash of the host may part log and tables.',
  );
}

async function engines(client: Client): Promise<Finding> {
  const names = await list(
    client,
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') AS name FROM information_schema.TABLES
      WHERE TABLE_TYPE IN ('BASE TABLE', 'SEQUENCE') AND ENGINE <> 'InnoDB' AND ${appSchema('TABLE_SCHEMA', client.share)}`,
  );
  const remedy = 'ALTER TABLE … ENGINE = InnoDB, or use the carrier `backup`: other engines have no snapshot.';
  return finding('storage-engines', names.length > 0 && 'fail', names.join(', ') || 'all tables are InnoDB', remedy);
}

async function versioned(client: Client): Promise<Finding> {
  const names = await list(
    client,
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES WHERE TABLE_TYPE = 'SYSTEM VERSIONED' AND ${appSchema('TABLE_SCHEMA', client.share)}`,
  );
  const remedy = 'Their history is not copied: use the carrier `backup`, or drop the versioning.';
  return finding(
    'system-versioning',
    names.length > 0 && 'fail',
    names.join(', ') || 'no system-versioned tables',
    remedy,
  );
}

async function keys(client: Client): Promise<Finding> {
  const keyless = await list(
    client,
    `SELECT CONCAT(t.TABLE_SCHEMA, '.', t.TABLE_NAME) AS name FROM information_schema.TABLES t WHERE t.TABLE_TYPE = 'BASE TABLE' AND ${appSchema('t.TABLE_SCHEMA', client.share)}
      AND NOT EXISTS (SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY')`,
  );
  const detail =
    keyless.length > 0
      ? `without a primary key: ${keyless.join(', ')}`
      : `all of ${(await carriedTables(client)).length} tables have a key`;
  const remedy = 'They are followed by whole rows, which is slow for many updates; add a primary key if there are.';
  return finding('keys', keyless.length > 0 && 'warn', detail, remedy);
}

/** The server's own tool writes six digits of one; the copy asks for all. */
async function floats(client: Client): Promise<Finding> {
  const names = await list(
    client,
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS
      WHERE DATA_TYPE = 'float' AND ${appSchema('TABLE_SCHEMA', client.share)} ORDER BY 1`,
  );
  const remedy = 'Carry them `live`, which keeps every digit, or make them DOUBLE first.';
  const detail = names.length > 0 ? `a \`backup\` keeps six digits of ${names.join(', ')}` : 'no FLOAT columns';
  return finding('floats', names.length > 0 && 'warn', detail, remedy);
}

/** What is left is in the server's cache, and no number of it is given by the other side. */
async function sequences(client: Client): Promise<Finding> {
  const all = await sequencesOf(client);
  const states = await readSequences(client, all, 'nothing');
  const near = all.filter((_, n) => states[n]![3] === '1').map(({ schema, name }) => `${schema}.${name}`);
  const detail =
    near.length > 0
      ? `all that is left is in the cache: ${near.join(', ')}`
      : `${all.length} sequences have numbers left`;
  const remedy = 'After the switch it has run out, as after a restart of the server: raise MAXVALUE, or lower CACHE.';
  return finding('sequences', near.length > 0 && 'warn', detail, remedy);
}

/** Whoever may turn the log off for a session can write what no stream brings; the comparison finds it. */
async function unloggedWriters(client: Client): Promise<Finding> {
  const names = await list(client, client.dialect.unloggedWriters);
  const remedy = 'Let nobody use `SET sql_log_bin = 0` or another binlog_format while the app is moved.';
  return finding(
    'unlogged-writers',
    names.length > 0 && 'warn',
    names.join(', ') || 'no account may bypass the log',
    remedy,
  );
}

async function transactions(client: Client): Promise<Finding> {
  const oldest = await oldestTransaction(client);
  const long = oldest !== undefined && oldest.seconds > 30;
  const detail = long ? `open for ${oldest.seconds} s: ${oldest.detail}` : 'no long transaction';
  return finding('long-transactions', long && 'warn', detail, 'The switch waits for it: end it before you finalize.');
}

async function prepared(client: Client): Promise<Finding> {
  const names = await preparedTransactions(client);
  const remedy = 'XA COMMIT or XA ROLLBACK them before you finalize.';
  return finding('prepared-transactions', names.length > 0 && 'warn', names.join(', ') || 'none', remedy);
}

const list = async (client: Client, sql: string) => (await client.query(sql)).map(({ name }) => name!);
