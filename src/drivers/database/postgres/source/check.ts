import type { Finding } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { carriedTables, oldestTransaction, userRelations } from '../catalog.ts';
import { checkRights } from '../external/rights.ts';
import { clientTool } from '../server/binaries.ts';
import { type Client, versionOf } from '../wire/connect.ts';
import { identitiesSql } from './objects.ts';

/** The prerequisites of `live`, each with its remedy. */
export async function checkSource(client: Client, instance: DatabaseInstance): Promise<Finding[]> {
  const findings: Finding[] = instance.external ? await checkRights(client, instance) : [];
  for (const ask of [walLevel, freeSlots, largeObjects, keys, firingTriggers, transactions, unlogged])
    findings.push(await ask(client));
  // A container's server brings its own.
  if (!instance.guest) findings.push(await dumpTool(client));
  return findings;
}

const finding = (id: string, bad: false | 'warn' | 'fail', detail: string, remedy: string): Finding => ({
  id,
  verdict: bad || 'pass',
  detail,
  remedy: bad ? remedy : null,
});

async function walLevel(client: Client): Promise<Finding> {
  const level = (await client.query('SHOW wal_level')).rows[0].wal_level as string;
  return finding(
    'wal-level',
    level !== 'logical' && 'fail',
    `wal_level is ${level}`,
    'Run: ALTER SYSTEM SET wal_level = logical; and restart the database (where a provider runs it, this is a setting of theirs). `storky allow-live ADDON` does both, and holds the requests meanwhile.',
  );
}

async function freeSlots(client: Client): Promise<Finding> {
  const { rows } = await client.query(
    `SELECT current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_replication_slots) AS slots,
      current_setting('max_wal_senders')::int - (SELECT count(*)::int FROM pg_stat_replication) AS senders`,
  );
  const free = Math.min(rows[0].slots, rows[0].senders - 1);
  return finding(
    'replication-slots',
    free < 1 && 'fail',
    `${Math.max(free, 0)} free`,
    'Raise max_replication_slots and max_wal_senders, and restart the database.',
  );
}

async function largeObjects(client: Client): Promise<Finding> {
  const count = Number((await client.query('SELECT count(*) FROM pg_largeobject_metadata')).rows[0].count);
  return finding(
    'large-objects',
    count > 0 && 'fail',
    `${count} large objects`,
    'Large objects cannot be followed: use the carrier `backup` for this addon.',
  );
}

async function keys(client: Client): Promise<Finding> {
  const { rows } = await client.query(identitiesSql);
  const keyless = rows.filter((row) => row.wanted === 'FULL').map((row) => `${row.schema}.${row.name}`);
  const detail =
    keyless.length === 0
      ? `all of ${(await carriedTables(client)).length} tables have a key`
      : `without a key: ${keyless.join(', ')}`;
  return finding(
    'keys',
    keyless.length > 0 && 'warn',
    detail,
    'They are followed by whole rows, which is slow for many updates; add a primary key if there are.',
  );
}

/**
 * The stream fires the row triggers, and those of TRUNCATE, that are enabled `always` or `replica`: what they do would be
 * done on the source, come with the stream, and be done once more. It knows no rules, which rewrite statements.
 */
async function firingTriggers(client: Client): Promise<Finding> {
  const { rows } = await client.query(
    `SELECT format('%I.%I: %I', x.nspname, x.relname, t.tgname) AS name
      FROM pg_catalog.pg_trigger t JOIN (SELECT c.oid, n.nspname, c.relname ${userRelations("'r', 'p'")}) x ON x.oid = t.tgrelid
      WHERE t.tgenabled IN ('A', 'R') AND (t.tgtype & 33) <> 0 ORDER BY 1`,
  );
  const names = rows.map((row) => row.name).join(', ');
  return finding(
    'always-triggers',
    rows.length > 0 && 'fail',
    names || 'no trigger would fire again on the copy',
    'They would fire a second time where the changes are applied: ALTER TABLE … ENABLE TRIGGER … (without ALWAYS or REPLICA), or use the carrier `backup` for this addon.',
  );
}

async function transactions(client: Client): Promise<Finding> {
  const oldest = await oldestTransaction(client);
  const long = oldest !== undefined && oldest.seconds > 30;
  const detail = long ? `open for ${Math.round(oldest.seconds)} s: ${oldest.detail}` : 'no long transaction';
  return finding('long-transactions', long && 'warn', detail, 'The copy begins when it ends; end it to begin sooner.');
}

async function unlogged(client: Client): Promise<Finding> {
  const { rows } = await client.query(`SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'`);
  const names = rows.map((row) => row.relname).join(', ');
  return finding(
    'unlogged',
    rows.length > 0 && 'warn',
    names || 'no unlogged tables',
    'Their rows are not moved: ALTER TABLE … SET LOGGED where they matter.',
  );
}

/** A server's package may lack it; an older one refuses a newer server. */
async function dumpTool(client: Client): Promise<Finding> {
  const version = String(await versionOf(client));
  const tool = await clientTool('pg_dump', version, version).catch(() => undefined);
  return finding(
    'pg-dump',
    !tool && 'fail',
    tool ? `${tool} reads PostgreSQL ${version}` : `there is no pg_dump of version ${version} or later`,
    `Install postgresql-client-${version} on this host and on the target's.`,
  );
}
