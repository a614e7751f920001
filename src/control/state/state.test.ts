import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unmanagedTempFolder } from '../../../test/support/temp-folder.ts';
import { openState, type State } from './open.ts';
import { inTransaction } from './schema.ts';

const { path: dataFolder, remove } = unmanagedTempFolder('state');
let state: State;
beforeAll(async () => {
  state = await openState({ dataFolder });
});
afterAll(async () => {
  await state.close();
  remove();
});

const audit = (who: string) =>
  `INSERT INTO storky.audit (who, action, subject, outcome) VALUES ('${who}', 'a', 'b', 'c')`;
const count = async (who: string) =>
  Number((await state.pool.query('SELECT count(*) FROM storky.audit WHERE who = $1', [who])).rows[0].count);

test('a second server on the folder is refused; what a killed one left blocks nobody', async () => {
  await expect(openState({ dataFolder })).rejects.toMatchObject({ code: 'folder_in_use' });
  const { path: other, remove: removeOther } = unmanagedTempFolder('state');
  const holder = `import { openState } from ${JSON.stringify(join(import.meta.dirname, 'open.ts'))};
    await openState({ dataFolder: ${JSON.stringify(other)} }); console.log('open'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await expect(openState({ dataFolder: other })).rejects.toMatchObject({ fields: { pid: String(child.pid) } });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(existsSync(join(other, 'server.lock'))).toBe(true);
  await (await openState({ dataFolder: other })).close();
  expect(existsSync(join(other, 'server.lock'))).toBe(false);
  removeOther();
});

test('statements of connections at the same time are never mixed up', async () => {
  const ask = async (i: number) => {
    const { rows } =
      i % 2
        ? await state.pool.query('SELECT $1::int AS a, $2::text AS b', [i, `x${i}`])
        : await state.pool.query('SELECT $2::text AS b, $1::int + 0 AS a, 1 AS c', [i, `x${i}`]);
    expect(rows[0]).toMatchObject({ a: i, b: `x${i}` });
  };
  await Promise.all(Array.from({ length: 300 }, (_, i) => ask(i)));
});

test('transactions at the same time keep apart', async () => {
  const work = (i: number) =>
    inTransaction(state.pool, async (client) => {
      await client.query(audit('apart'));
      await client.query('SELECT pg_sleep(0)');
      if (i % 2) throw new Error('rolled back');
    });
  await Promise.allSettled(Array.from({ length: 20 }, (_, i) => work(i)));
  expect(await count('apart')).toBe(10);
});

test('a connection that is lost in a transaction takes it with it, and holds nobody up', async () => {
  const client = await state.pool.connect();
  await client.query('BEGIN');
  await client.query(audit('lost'));
  const waiting = count('lost');
  (client as unknown as Client & { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  client.release(true);
  expect(await waiting).toBe(0);
});

test('an error leaves the connection fit for use, and its transaction undone', async () => {
  const client = await state.pool.connect();
  await client.query('BEGIN');
  await expect(client.query('SELECT nothing_like_this')).rejects.toThrow('does not exist');
  await expect(client.query('SELECT 1')).rejects.toThrow('aborted');
  await client.query('ROLLBACK');
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  client.release();
});
