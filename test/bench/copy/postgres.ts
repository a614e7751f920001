import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { engine } from '../../../src/drivers/database/postgres/engine.ts';
import { adminOf, withClient } from '../../../src/drivers/database/postgres/wire/connect.ts';
import type { Race } from './race.ts';
import { shell } from './shell.ts';

/** What each has copied is on disk when it ends; what Storky changes in the target for the time of its copy is measured too. */
export const postgresRace: Race = {
  engine,
  fill,
  peers: { pgcopydb, 'pg_dump|pg_restore': dumpAndRestore },
  settle: (source) => withClient(adminOf(source), (client) => client.query('CHECKPOINT')).then(() => {}),
  contents,
};

/** One large table, some middling ones, many small ones; keys, secondary indexes, foreign keys. */
async function fill(source: DatabaseInstance, gigabytes: number): Promise<number> {
  const n = (count: number) => Math.round(count * gigabytes);
  await withClient(adminOf(source), async (client) => {
    await client.query(`SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; SET ROLE bench;
      CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, name text, created_at timestamptz NOT NULL, settings jsonb);
      INSERT INTO customers (email, name, created_at, settings) SELECT md5(g::text) || '@example.org', 'Customer ' || g, timestamptz '2020-01-01' + g * interval '1 minute', jsonb_build_object('n', g, 'lang', 'fr') FROM generate_series(1, ${n(300_000)}) g;
      CREATE TABLE orders (id bigserial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, status text NOT NULL, total numeric(12, 2) NOT NULL, note text, placed_at timestamptz NOT NULL);
      INSERT INTO orders (customer, status, total, note, placed_at) SELECT 1 + g % ${n(300_000)}, (ARRAY['new', 'paid', 'sent'])[1 + g % 3], g % 9999 / 7.0, md5(g::text) || md5((g * 3)::text), timestamptz '2021-01-01' + g * interval '10 seconds' FROM generate_series(1, ${n(2_600_000)}) g;
      CREATE INDEX ON orders (customer); CREATE INDEX ON orders (placed_at); CREATE INDEX ON orders (status, placed_at);
      CREATE TABLE items (order_id bigint NOT NULL REFERENCES orders, line int NOT NULL, sku text NOT NULL, amount int NOT NULL, PRIMARY KEY (order_id, line));
      INSERT INTO items SELECT 1 + g / 2, g % 2, 'sku-' || g % 5000, g % 9 FROM generate_series(1, ${n(2_400_000)}) g;
      CREATE INDEX ON items (sku);
      CREATE TABLE documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text, data bytea);
      INSERT INTO documents (body, data) SELECT string_agg(md5(g::text || x::text), ''), decode(string_agg(md5(x::text || g::text), ''), 'hex') FROM generate_series(1, ${n(20_000)}) g, generate_series(1, 60) x GROUP BY g;`);
    for (let t = 1; t <= 8; t++)
      await client.query(`SET ROLE bench; CREATE TABLE small_${t} (id int PRIMARY KEY, v text, at timestamptz);
        INSERT INTO small_${t} SELECT g, md5(g::text), now() FROM generate_series(1, ${n(50_000)}) g; CREATE INDEX ON small_${t} (v)`);
    for (const sql of ['RESET ROLE', 'VACUUM ANALYZE', 'CHECKPOINT']) await client.query(sql);
  });
  return withClient(adminOf(source), async (client) =>
    Number((await client.query('SELECT pg_database_size(current_database()) AS s')).rows[0].s),
  );
}

async function pgcopydb(source: DatabaseInstance, target: DatabaseInstance, work: string): Promise<void> {
  const jobs = ['--table-jobs', '2', '--index-jobs', '2', '--split-tables-larger-than', '100MB'];
  // Without Storky's schema and roles; without vacuum's counterpart, which it does for every table.
  await shell(
    `pgcopydb clone --dir ${work}/run --source '${uri(source)}' --target '${uri(target)}' ${jobs.join(' ')} --no-owner --skip-large-objects`,
    await programs(),
  );
}

async function dumpAndRestore(source: DatabaseInstance, target: DatabaseInstance, work: string): Promise<void> {
  await shell(
    `pg_dump --format=directory --jobs=2 --compress=0 --file='${work}/d' --exclude-schema=storky --dbname='${uri(source)}'
    pg_restore --jobs=2 --dbname='${uri(target)}' '${work}/d'`,
    { PGOPTIONS: '-c synchronous_commit=off', ...(await programs()) },
  );
}

const programs = async () => ({
  PATH: `/usr/lib/postgresql/${(await engine.versions()).at(-1)}/bin:${process.env.PATH}`,
});

const uri = (i: DatabaseInstance) => `postgresql://${i.adminUser}:${i.adminPassword}@${i.host}:${i.port}/${i.database}`;

function contents(instance: DatabaseInstance): Promise<string> {
  return withClient(adminOf(instance), async (client) => {
    const sql = `SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM items) || ' ' || (SELECT count(*) FROM documents) || ' '
      || (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public') || ' ' || (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace) AS s`;
    return (await client.query(sql)).rows[0].s as string;
  });
}
