import { afterAll, beforeAll, expect, test } from 'vitest';
import { engine } from '../engine.ts';
import { Clusters } from '../testing/clusters.ts';
import type { Client } from '../wire/connect.ts';

const clusters = new Clusters();
const source = async () => engine.source(await clusters.provision('here'));
let app: Client;

beforeAll(async () => {
  app = await clusters.client(await clusters.provision('here'));
  await app.query(`
    CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER by_row AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION noop();
    CREATE TRIGGER "by Statement" AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION noop();
    CREATE TRIGGER emptied AFTER TRUNCATE ON t FOR EACH STATEMENT EXECUTE FUNCTION noop();
    CREATE TRIGGER by_row AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION noop();
    CREATE RULE twice AS ON INSERT TO t DO ALSO NOTHING`);
}, 60_000);
afterAll(() => clusters.dispose());

const finding = async () => {
  await using opened = await source();
  return (await opened.check()).find(({ id }) => id === 'always-triggers');
};

test('a trigger that would fire again where its changes are applied is refused beforehand, with the remedy', async () => {
  expect(await finding()).toMatchObject({ verdict: 'pass', remedy: null });
  await app.query(`ALTER TABLE t ENABLE ALWAYS TRIGGER "by Statement"`);
  expect(await finding()).toMatchObject({ verdict: 'pass' });
  await app.query(`ALTER TABLE t ENABLE ALWAYS TRIGGER by_row`);
  expect(await finding()).toMatchObject({
    verdict: 'fail',
    detail: 'public.t: by_row',
    remedy: expect.stringMatching(/ENABLE TRIGGER/),
  });
  await app.query(`ALTER TABLE t ENABLE TRIGGER by_row; ALTER TABLE t ENABLE REPLICA TRIGGER emptied;
    ALTER TABLE parts ENABLE ALWAYS TRIGGER by_row`);
  expect(await finding()).toMatchObject({ verdict: 'fail', detail: 'public.parts: by_row, public.t: emptied' });
});
