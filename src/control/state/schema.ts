import type { Pool, PoolClient } from 'pg';

/** In order, each once, never changed after a release: a new need is a new entry. */
const migrations: readonly string[] = [
  `CREATE TABLE storky.regions (
     name text PRIMARY KEY,
     address jsonb,
     added_at timestamptz NOT NULL DEFAULT now(),
     enrolled_at timestamptz
   );
   CREATE TABLE storky.enrolment_tokens (
     hash text PRIMARY KEY,
     region text NOT NULL REFERENCES storky.regions ON DELETE CASCADE,
     expires_at timestamptz NOT NULL
   );
   CREATE TABLE storky.user_tokens (
     id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
     name text NOT NULL,
     hash text NOT NULL UNIQUE,
     created_at timestamptz NOT NULL DEFAULT now()
   );
   CREATE TABLE storky.migrations (
     id uuid PRIMARY KEY,
     app text NOT NULL,
     source text NOT NULL,
     destination text NOT NULL,
     status text NOT NULL,
     finished boolean NOT NULL,
     run jsonb,
     document jsonb NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   );
   CREATE UNIQUE INDEX one_unfinished ON storky.migrations (source, app) WHERE NOT finished;
   CREATE TABLE storky.steps (
     migration uuid NOT NULL REFERENCES storky.migrations ON DELETE CASCADE,
     id text NOT NULL,
     position bigint GENERATED ALWAYS AS IDENTITY,
     document jsonb NOT NULL,
     PRIMARY KEY (migration, id)
   );
   CREATE TABLE storky.audit (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     at timestamptz NOT NULL DEFAULT clock_timestamp(),
     who text NOT NULL,
     action text NOT NULL,
     subject text NOT NULL,
     outcome text NOT NULL
   );`,
  'ALTER TABLE storky.regions ADD COLUMN ssh jsonb',
];

/** Brings the database to this version's schema; several servers may start at once. */
export async function migrateSchema(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('storky.schema'))`);
    await client.query('CREATE SCHEMA IF NOT EXISTS storky');
    await client.query(
      'CREATE TABLE IF NOT EXISTS storky.schema (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
    );
    const { rows } = await client.query<{ version: number }>(
      'SELECT coalesce(max(version), 0)::int AS version FROM storky.schema',
    );
    for (let version = rows[0]!.version + 1; version <= migrations.length; version++) {
      await client.query(migrations[version - 1]!);
      await client.query('INSERT INTO storky.schema (version) VALUES ($1)', [version]);
    }
  });
}

export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
