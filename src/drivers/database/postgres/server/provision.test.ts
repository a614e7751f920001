import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { engine } from '../engine.ts';
import { structure } from '../testing/catalog-inventory.ts';
import { Clusters, never } from '../testing/clusters.ts';
import { createHardSchema } from '../testing/hard-schema.ts';
import { stopServer } from './server.ts';

const clusters = new Clusters();
afterAll(() => clusters.dispose());

test('an instance is taken over, whatever was done already', async () => {
  const first = await clusters.provision('one');
  await (await clusters.client(first)).query('CREATE TABLE kept (i int)');
  expect(await engine.provision(first)).toEqual(first);
  await stopServer(first, 'immediate');
  expect(await engine.running(first)).toBe(false);
  const again = await engine.provision(first);
  expect(again).toEqual(first);
  expect((await (await clusters.client(again)).query('SELECT * FROM kept')).rows).toEqual([]);
  const { url } = engine.environment(first);
  expect(url).toBe(`postgresql://Shop%20%22User%22:s3cret%20'%20pass@127.0.0.1:${first.port}/shop-db`);
  // Killed after the names were written and before the cluster was complete.
  await engine.stop(first);
  rmSync(join(first.folder, 'data'), { recursive: true });
  expect(await engine.provision(first)).toEqual(first);
  await engine.destroy(first);
  expect(await engine.running(first)).toBe(false);
}, 60_000);

test('the carrier backup brings roles, structure and rows', async () => {
  const here = await clusters.provision('here');
  const there = await clusters.provision('there');
  await createHardSchema(await clusters.client(here, 'admin'), '"Shop ""User"""');
  await engine.target(there).restore(await engine.source(here).backup(), () => {}, never);
  expect(await structure(there)).toBe(await structure(here));
  const copied = await clusters.client(there, 'admin');
  expect((await copied.query('SELECT count(*) FROM kinds')).rows[0].count).toBe('3');
  expect((await copied.query(`SELECT rolconnlimit FROM pg_roles WHERE rolname = 'Re porter'`)).rows).toEqual([
    { rolconnlimit: 3 },
  ]);
  await engine.target(there).activate(1);
}, 60_000);
