import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSigned } from '../../../../../test/e2e/stage/self-signed.ts';
import { ManagedPostgres } from '../../../../../test/support/managed-postgres.ts';
import type { FollowTicket, SourceEndpoint, SourceStore, TargetStore } from '../../../store.ts';
import { wayTo } from '../../conformance/way-to.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { Clusters, never, soon } from '../testing/clusters.ts';

/** One story: an encrypted database that Storky does not run, followed live by one that it runs. */
let managed: ManagedPostgres;
const clusters = new Clusters();
let here: DatabaseInstance;
let there: DatabaseInstance;
let source: SourceStore;
let target: TargetStore;
let from: SourceEndpoint & { close(): void };
let ticket: FollowTicket;
let app: Client;
const migration = crypto.randomUUID();
const order = () => ({ app: 'shop', addon: 'db', ...managed.app, folder: clusters.folder });

beforeAll(async () => {
  managed = await ManagedPostgres.start();
  await managed.grantAll();
  const { cert, key } = await selfSigned('localhost');
  await managed.encrypt({ cert, key });
  const ca = join(clusters.folder, 'ca.pem');
  writeFileSync(ca, cert);
  here = await engine.adopt!({ ...order(), address: managed.address(`?sslmode=verify-full&sslrootcert=${ca}`) });
  app = new Client({ connectionString: engine.environment(here).url });
  app.on('error', () => {});
  await app.connect();
  await app.query('CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text)');
  await app.query("INSERT INTO item (value) SELECT 'before' FROM generate_series(1, 100)");
  there = await clusters.provision('there');
  [source, target, from] = [engine.source(here), engine.target(there), await wayTo(engine, here)];
}, 120_000);
afterAll(async () => {
  await app?.end().catch(() => {});
  await source?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  from?.close();
  await clusters.dispose();
  await managed?.[Symbol.asyncDispose]();
});

it('is encrypted where the server can, and only for whom its certificate is', async () => {
  expect((await engine.adopt!({ ...order(), address: managed.address() })).external).toEqual({
    parameters: { sslmode: 'require' },
  });
  await expect(engine.adopt!({ ...order(), address: managed.address('?sslmode=disable') })).rejects.toThrow(
    /no encryption/,
  );
  const other = join(clusters.folder, 'other.pem');
  writeFileSync(other, (await selfSigned('localhost')).cert);
  for (const mode of ['verify-ca', 'verify-full'])
    await expect(
      engine.adopt!({ ...order(), address: managed.address(`?sslmode=${mode}&sslrootcert=${other}`) }),
    ).rejects.toThrow(/certificate/);
});

it('is copied and followed through a way that speaks plainly', async () => {
  const opened = await source.open(migration);
  ticket = JSON.parse(JSON.stringify(opened.ticket));
  expect(await source.open(migration)).toMatchObject({ fresh: false, ticket: { password: managed.admin.password } });
  await target.copy(migration, ticket, from, () => {}, never);
  await target.standby();
  await target.follow(migration, ticket, from, never);
  await app.query("INSERT INTO item (value) VALUES ('followed')");
  await target.rehearse(migration, from, never);
  expect((await target.verify(migration, ticket, from, () => {}, never)).differences).toEqual([]);
  const kept = await managed.inDatabase('SELECT ticket::text AS text FROM storky.ticket');
  expect(JSON.stringify(kept)).not.toContain(managed.admin.password);
});

it('is fenced for every table and sequence, and goes on when the switch backs out', async () => {
  await source.ready(migration);
  await source.fence(soon());
  const waits = app.query("INSERT INTO item (value) VALUES ('waited')");
  expect(await Promise.race([waits, new Promise((resolve) => setTimeout(resolve, 300, 'held'))])).toBe('held');
  await source.unfence();
  await waits;
});

it('a structure that has changed, which nobody can hold without a superuser, is noticed under the fence', async () => {
  await target.rehearse(migration, from, never);
  await source.ready(migration);
  await app.query('CREATE TABLE late (id int PRIMARY KEY)');
  await source.fence(soon());
  await expect(source.mark(migration, 1, soon())).rejects.toMatchObject({ code: 'schema_changed' });
  await source.unfence();
  await app.query('DROP TABLE late');
});

it('is sealed for itself alone, and unsealed exactly', async () => {
  const before = await rights();
  await target.rehearse(migration, from, never);
  await source.ready(migration);
  const applied = target.applied(migration, 2, soon());
  await source.fence(soon());
  await source.mark(migration, 2, soon());
  await applied;
  await source.seal();
  await expect.poll(() => app.query('SELECT 1').catch((error) => error.message)).toMatch(/terminat|not queryable/i);
  await expect(connected(engine.environment(here).url!)).rejects.toThrow(/permission denied for database/);
  const other = await connected(
    `postgresql://other:other@localhost:${here.port}/of_another_customer?sslmode=no-verify`,
  );
  await other.end();
  // As after a crash of the agent: nothing that was in memory is needed.
  await source[Symbol.asyncDispose]();
  source = engine.source(here);
  await source.unfence();
  expect(await rights()).toEqual(before);
  const again = await connected(engine.environment(here).url!);
  expect((await again.query("INSERT INTO item (value) VALUES ('after') RETURNING value")).rows).toEqual([
    { value: 'after' },
  ]);
  await again.end();
});

const rights = async () =>
  await managed.asProvider(`SELECT datname, a.grantee::regrole::text, a.privilege_type FROM pg_database d
    CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a ORDER BY 1, 2, 3`);

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}
