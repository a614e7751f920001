import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.ts';
import { soon } from '../testing/clusters.ts';
import { Pair } from '../testing/pair.ts';
import type { Client } from '../wire/connect.ts';

// Somebody is changing a role, in psql, on another database of the server: no lock of the fence meets that.

const pair = new Pair();
let psql: Client;
const busy = () => psql.query(`BEGIN; ALTER ROLE somebody PASSWORD 'new'`);

beforeAll(async () => {
  await pair.begin(async (admin) => {
    await admin.query('CREATE ROLE somebody LOGIN');
    await pair.app.query('CREATE TABLE t (id int PRIMARY KEY)');
  });
  psql = await pair.client({ ...pair.a, database: 'postgres' }, 'admin');
  await pair.makeReady();
}, 60_000);
beforeEach(() => onTestFinished(() => void psql.query('ROLLBACK')));
afterAll(() => pair.dispose());

const code = (error: { code: string }) => error.code;

test('a source whose role is being changed says so before the freeze, and is ready when that is over', async () => {
  await busy();
  const answer = pair.serving.source.ready(pair.stream.id).then(() => 'ready', code);
  expect(await Promise.race([answer, sleep(20_000, 'nothing', { ref: false })])).toBe('long_transaction');
  await psql.query('ROLLBACK');
  await pair.makeReady();
});

test('a switch whose seal waits for a role that is being changed gives everything back at once', async () => {
  const { source } = pair.serving;
  await source.ready(pair.stream.id);
  await source.fence(soon(60_000));
  await busy();
  await source.mark(pair.stream.id, 1, soon(60_000));
  const sealed = source.seal().then(() => 'sealed', code);
  const waits = `SELECT FROM pg_stat_activity WHERE application_name = 'storky watch' AND wait_event_type = 'Lock'`;
  await waitFor(async () => (await psql.query(waits)).rowCount! > 0, { every: 5 });
  const back = source.unfence().then(() => 'given back');
  expect(await Promise.race([back, sleep(20_000, 'nothing', { ref: false })])).toBe('given back');
  expect(await sealed).toBe('long_transaction');
  await pair.app.query('INSERT INTO t VALUES (1)');
  await psql.query('ROLLBACK');
  await pair.makeReady();
});

test('nobody takes it back: the seal gives up by itself at the end of the freeze', async () => {
  const { source } = pair.serving;
  await source.ready(pair.stream.id);
  await source.fence(soon(1_500));
  await busy();
  await source.mark(pair.stream.id, 2, soon(1_500));
  expect(await source.seal().then(() => 'sealed', code)).toBe('long_transaction');
  await source.unfence();
});
