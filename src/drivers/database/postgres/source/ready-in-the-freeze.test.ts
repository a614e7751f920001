import { afterAll, beforeAll, expect, test } from 'vitest';
import { soon } from '../testing/clusters.ts';
import { Pair } from '../testing/pair.ts';
import { commitSeal, draftSeal } from './seal.ts';

const pair = new Pair();

beforeAll(async () => {
  await pair.begin('CREATE TABLE t (id int PRIMARY KEY)');
  await pair.makeReady();
}, 60_000);

afterAll(() => pair.dispose());

const readied = () =>
  pair.serving.source.ready(pair.stream.id).then(
    () => 'ready',
    (error: { code: string }) => error.code,
  );

test('asked in the freeze whether it is ready, a source refuses: its locks and the drafted seal stand', async () => {
  const { source, instance } = pair.serving;
  const admin = await pair.client(instance, 'admin');
  await source.fence(soon());
  const write = pair.app.query('INSERT INTO t VALUES (1)').catch((error: { code: string }) => error.code);
  expect(await readied()).toBe('not_in_sync');
  const held = async () =>
    (
      await admin.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'storky fence' AND state = 'idle in transaction'`,
      )
    ).rowCount;
  expect(await held()).toBe(1);
  await source.mark(pair.stream.id, 1, soon());
  expect(await readied()).toBe('not_in_sync');
  await source.seal();
  await source.seal(); // asked again, it is sealed
  expect(await write).toBe('57P01');
  expect((await admin.query('SELECT FROM t')).rowCount).toBe(0);
  await expect(pair.client(instance)).rejects.toMatchObject({ code: '28000' });
  await source.unfence();
  expect(await readied(), 'a switch that backed out gives the fence free').toBe('ready');
});

test('a draft of the seal that is gone is no seal', async () => {
  const admin = await pair.client(pair.serving.instance, 'admin');
  await draftSeal(admin);
  await admin.query('ROLLBACK');
  await expect(commitSeal(admin)).rejects.toMatchObject({ code: '25P01' });
  await draftSeal(admin);
  await admin.query('SELECT 1/0').catch(() => {});
  await expect(commitSeal(admin)).rejects.toMatchObject({ code: '25P02' });
  await admin.query('ROLLBACK');
});
