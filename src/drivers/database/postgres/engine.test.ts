import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseInstance } from '../contract.ts';
import { engine } from './engine.ts';
import { inventory, structure } from './testing/catalog-inventory.ts';
import { Clusters, never, soon, Tunnel } from './testing/clusters.ts';
import { createHardSchema } from './testing/hard-schema.ts';
import type { Client } from './wire/connect.ts';

const clusters = new Clusters();
let here: DatabaseInstance;
let there: DatabaseInstance;
let tunnel: Tunnel;
let admin: Client;

beforeAll(async () => {
  here = await clusters.provision('here');
  there = await clusters.provision('there');
  tunnel = await Tunnel.to(here);
  admin = await clusters.client(here, 'admin');
  await createHardSchema(admin, '"Shop ""User"""');
}, 60_000);

afterAll(async () => {
  tunnel?.close();
  await clusters.dispose();
});

const sequences = async (client: Client) =>
  (
    await client.query(
      `SELECT jsonb_build_array((SELECT row(last_value, is_called)::text FROM free), (SELECT row(last_value, is_called)::text FROM "Odd ""Schema"""."Se'q")) AS s`,
    )
  ).rows[0].s;

test('a database with one of everything moves whole, and nothing of the move is left on either side', async () => {
  const migration = randomUUID();
  const before = await inventory(admin);
  const source = engine.source(here);
  const target = engine.target(there);
  expect((await source.measure()).notMoved.join('\n')).toMatch(
    /unlogged table public.cache[\s\S]*materialized view public.mv1/,
  );
  const { ticket, fresh } = await source.open(migration);
  expect(fresh).toBe(true);
  const app = await clusters.client(here);
  await app.query(`INSERT INTO nokey VALUES (11, 'after the snapshot')`);
  await target.copy(migration, ticket, tunnel, () => {}, never);
  expect(await source.open(migration)).toEqual({ ticket, fresh: false });
  await target.follow(migration, ticket, tunnel, never);
  await target.standby();

  await app.query(`UPDATE nokey SET b = 'changed' WHERE a = 3; DELETE FROM nokey WHERE a = 4; UPDATE uniq SET b = 'u' WHERE a = 7; UPDATE toasted SET n = 1 WHERE id = 3;
    INSERT INTO measure VALUES ('2020-03-03', 1), ('2023-03-03', 2); UPDATE kinds SET n = n + 1; UPDATE parent SET v = v || '!'; DELETE FROM booking;
    INSERT INTO "Odd ""Schema"""."Tab.le" VALUES (0, NULL, 'sad', '{}', '{}', 0); TRUNCATE b, a`);
  expect((await target.rehearse(migration, tunnel, never)).roundTripMs).toBeGreaterThan(0);
  await target.healthy();
  expect((await target.lag()).bytes).toBeLessThan(100_000);
  const verified = await target.verify(migration, ticket, tunnel, () => {}, never);
  expect(verified.differences).toEqual([]);
  expect(verified.items).toBeGreaterThan(1_100);

  await source.ready(migration);
  const applied = target.applied(migration, 1, soon());
  await source.fence(soon());
  await source.mark(migration, 1, soon());
  await applied;
  await source.seal();
  await target.activate(1);

  const copy = await clusters.client(there, 'admin');
  expect(await sequences(copy)).toEqual(['(77,f)', '(9223372036854775806,t)']);
  expect(await sequences(copy)).toEqual(await sequences(admin));
  expect((await copy.query('SELECT * FROM mv2')).rows).toEqual([{ count: '100' }]);
  const moved = await clusters.client(there);
  await moved.query(`INSERT INTO kinds (n) VALUES (9)`);
  expect((await moved.query('SELECT max(id) FROM kinds')).rows[0].max).toBe(4);

  await target.close(migration);
  await source.close(migration);
  await source.unfence();
  await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  expect(await inventory(admin)).toEqual(before);
  expect(await structure(there)).toEqual(await structure(here));
  expect((await inventory(copy)).filter((line) => /storky/.test(line))).toEqual(
    before.filter((line) => /storky/.test(line)),
  );
  await target.close(migration);
  await source.close(migration);
}, 120_000);
