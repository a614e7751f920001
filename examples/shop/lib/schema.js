import { pool, query } from './database.js';

/**
 * In order; a migration that was released is never edited. `order_events` and `shipments` have no unique constraint on
 * the order on purpose: something done twice has to show, not to be refused.
 */
const migrations = [
  {
    name: '001-orders',
    sql: `
      CREATE TABLE orders (
        id text PRIMARY KEY, customer text NOT NULL, item text NOT NULL, amount integer NOT NULL,
        status text NOT NULL DEFAULT 'placed', placed_at timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE INDEX orders_to_ship ON orders (placed_at) WHERE status = 'placed';
      CREATE TABLE order_events (
        id bigserial PRIMARY KEY, order_id text NOT NULL, kind text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE INDEX ON order_events (order_id);`,
  },
  {
    name: '002-shipments',
    sql: `
      CREATE TABLE shipments (
        id bigserial PRIMARY KEY, order_id text NOT NULL, region text NOT NULL, pid integer NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE INDEX ON shipments (order_id);
      CREATE TABLE worker_runs (
        id bigserial PRIMARY KEY, region text NOT NULL, pid integer NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), stopped_at timestamptz);`,
  },
  {
    name: '003-uploads',
    sql: `
      CREATE TABLE uploads (
        id text PRIMARY KEY, content_type text NOT NULL, bytes integer NOT NULL, sha256 text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE INDEX ON uploads (at);`,
  },
  {
    name: '004-totals',
    sql: `
      CREATE TABLE daily_totals (
        day date PRIMARY KEY, orders bigint NOT NULL, amount bigint NOT NULL, computed_at timestamptz NOT NULL);
      CREATE TABLE totals_runs (id bigserial PRIMARY KEY, region text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());`,
  },
];

/** Names of the migrations that this database lacks. Reads only. */
export async function pendingMigrations() {
  const [{ exists }] = await query(`SELECT to_regclass('schema_migrations') IS NOT NULL AS exists`);
  const rows = exists ? await query('SELECT name FROM schema_migrations') : [];
  const applied = new Set(rows.map((row) => row.name));
  return migrations.map(({ name }) => name).filter((name) => !applied.has(name));
}

/** Reads first: a database that refuses writes for a while is good enough to start on, as long as nothing is missing. */
export async function ensureSchema() {
  if ((await pendingMigrations()).length === 0) return;
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('shop schema'))`); // another process may be at it
    await client.query('CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)');
    const { rows } = await client.query('SELECT name FROM schema_migrations');
    for (const { name, sql } of migrations) {
      if (rows.some((row) => row.name === name)) continue;
      await client.query(sql);
      await client.query('INSERT INTO schema_migrations VALUES ($1)', [name]);
      console.log('migrated', name);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** For the processes that do not create the schema: waits until the web process has. */
export async function waitForSchema() {
  while ((await pendingMigrations()).length > 0) await new Promise((resolve) => setTimeout(resolve, 500));
}
