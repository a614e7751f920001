import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { checkLedger, forkVisitors, startVisitors } from '../../examples/shop/visitors/index.js';
import { AppRecord } from '../../src/protocol/app-record/record.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { shopProgram, startShopWeb } from './shop.ts';
import { projectRoot } from './spawned.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait-for.ts';

let postgres: TestPostgres;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

async function freshDatabase() {
  const name = `shop${++databases}`;
  await sql(postgres.url, `CREATE DATABASE ${name}`);
  return { databaseUrl: postgres.url.replace(/postgres$/, name), uploads: tempFolder('uploads') };
}

async function sql(url: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

test('the manifest is a valid app record with every part filled in', () => {
  const record = AppRecord.parse(parse(readFileSync(join(projectRoot, 'examples/shop/storky.yaml'), 'utf8')));
  for (const part of [
    'domains',
    'addons',
    'files',
    'collaborators',
    'notifiers',
    'alerts',
    'logDrains',
    'autoscalers',
  ] as const)
    expect(record[part], part).not.toEqual([]);
  expect(record.environment.DATABASE_URL).toMatch(/addons\.db\.url/);
});

test('what the visitors were told is there once: orders, pictures and shipments', async () => {
  const shop = await freshDatabase();
  const { url } = await startShopWeb(shop);
  const worker = shopProgram('worker', shop);
  const visitors = await forkVisitors({ url, rate: 150, webSockets: 2, connections: 16 });
  await waitFor(() => visitors.summary().requests > 300, { what: '300 requests' });
  const summary = await visitors.stop();
  await worker.kill();
  expect(summary).toMatchObject({
    failed: 0,
    lost: [],
    failures: [],
    unacknowledgedWrites: 0,
    servedBy: { here: summary.requests },
  });
  expect(summary.webSockets).toMatchObject({ open: 2, dropped: 0 });
  expect(summary.acknowledgedWrites).toBeGreaterThan(100);

  const direct = await checkLedger(visitors.ledger(), { databaseUrl: shop.databaseUrl, uploadsFolder: shop.uploads });
  expect(direct).toMatchObject({
    ok: true,
    acknowledged: summary.acknowledgedWrites,
    lost: [],
    duplicated: [],
    overlappingWorkers: [],
  });
  expect(direct.uploadsChecked).toBe(readdirSync(shop.uploads).length);
  expect(await checkLedger(visitors.ledger(), { url })).toEqual(direct);
});

test('the ledger finds what was planted: a lost order, a doubled event, a doubled shipment, a changed picture, two workers', async () => {
  const shop = await freshDatabase();
  const { url } = await startShopWeb(shop);
  const visitors = startVisitors({ url, rate: 100, pictures: 0.5, webSockets: 0 });
  await waitFor(() => visitors.summary().acknowledgedWrites > 20);
  await visitors.stop();
  const ledger = visitors.ledger();
  const [gone, twice, shipped, changed] = Object.keys(ledger.acknowledged.orders);
  const [picture] = Object.keys(ledger.acknowledged.uploads);
  await sql(
    shop.databaseUrl,
    `DELETE FROM orders WHERE id = '${gone}'`,
    `INSERT INTO order_events (order_id, kind) VALUES ('${twice}', 'placed')`,
    `INSERT INTO shipments (order_id, region, pid) VALUES ('${shipped}', 'a', 1), ('${shipped}', 'b', 2)`,
    `UPDATE orders SET amount = amount + 1 WHERE id = '${changed}'`,
    `INSERT INTO orders VALUES ('${ledger.prefix}-0unsent', 'x', 'x', 1)`,
    `INSERT INTO worker_runs (region, pid, seen_at) VALUES ('a', 1, now() + '1 s'), ('b', 2, now() + '1 s')`,
  );
  writeFileSync(join(shop.uploads, picture!), 'something else');
  const verdict = await checkLedger(ledger, { databaseUrl: shop.databaseUrl, uploadsFolder: shop.uploads });
  expect(verdict.ok).toBe(false);
  expect(verdict.lost.toSorted()).toEqual(
    [
      `orders/${gone}: missing`,
      `orders/${gone}: its event or shipment is there, the order is not`,
      `orders/${changed}: other content`,
      `uploads/${picture}: other bytes`,
    ].toSorted(),
  );
  expect(verdict.duplicated.toSorted()).toEqual(
    [`orders/${twice}: 2 events instead of 1`, `orders/${shipped}: shipped 2 times`].toSorted(),
  );
  expect(verdict.unexpected).toEqual([`orders/${ledger.prefix}-0unsent`]);
  expect(verdict.overlappingWorkers).toHaveLength(1);
});

test('web starts on a database that refuses writes, and says when a migration is missing', async () => {
  const shop = await freshDatabase();
  const pending = shopProgram('pending-migrations', shop);
  await pending.ended;
  expect(pending.stdout()).toMatch(/001-orders\n.*\n/s);
  const [first, second] = await Promise.all([startShopWeb(shop), startShopWeb(shop)]); // both want to create the tables
  await Promise.all([first.web.kill(), second.web.kill()]);
  const name = new URL(shop.databaseUrl).pathname.slice(1);
  await sql(postgres.url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const { url } = await startShopWeb(shop);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(await (await fetch(url)).text()).toContain('The Heron');
  const refused = await fetch(`${url}/orders`, {
    method: 'POST',
    body: '{"id":"a","customer":"b","item":"c","amount":1}',
  });
  expect(refused.status).toBe(500);
  const none = shopProgram('pending-migrations', shop);
  expect((await none.ended).code).toBe(0);
  expect(none.stdout()).toBe('');
});

test('web outlives its connections', async () => {
  const shop = await freshDatabase();
  const { url, web } = await startShopWeb(shop);
  await sql(
    postgres.url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(shop.databaseUrl).pathname.slice(1)}'`,
  );
  await web.says(/database: terminating connection/);
  expect((await fetch(`${url}/orders/none`)).status).toBe(404);
});

test('told to stop, web answers what it has, tells WebSockets to come back, and ends', async () => {
  const { url, web } = await startShopWeb(await freshDatabase());
  const visitors = startVisitors({ url, rate: 200, webSockets: 3 });
  onTestFinished(async () => void (await visitors.stop()));
  await waitFor(() => visitors.summary().requests > 100 && visitors.summary().webSockets.open === 3);
  const told = performance.now();
  await web.kill();
  expect(performance.now() - told).toBeLessThan(3000);
  expect((await web.ended).code).toBe(0);
  expect(visitors.summary().webSockets.dropped).toBe(0);
  const answeredWrong = visitors.summary().failures.filter(({ reason }) => reason.startsWith('status'));
  expect(answeredWrong).toEqual([]);
});

test('the scheduled job writes the totals', async () => {
  const shop = await freshDatabase();
  const { url } = await startShopWeb(shop);
  await fetch(`${url}/orders`, { method: 'POST', body: '{"id":"a","customer":"b","item":"c","amount":700}' });
  expect((await shopProgram('totals', shop).ended).code).toBe(0);
  expect(await sql(shop.databaseUrl, 'SELECT orders, amount FROM daily_totals')).toEqual([
    { orders: '1', amount: '700' },
  ]);
});

test('visitors count what they do not get: refused, cut, late', async () => {
  const shop = await freshDatabase();
  const { url, web } = await startShopWeb(shop);
  const visitors = startVisitors({ url, rate: 100, webSockets: 1, timeoutMs: 10_000 });
  onTestFinished(async () => void (await visitors.stop()));
  await waitFor(() => visitors.summary().requests > 50 && visitors.summary().webSockets.open === 1);
  web.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 300));
  web.signal('SIGCONT');
  await waitFor(() => visitors.summary().slow > 10);
  expect(visitors.summary().failures).toEqual([]);
  expect(visitors.summary().longestWaitMs).toBeGreaterThan(250);
  await web.kill('SIGKILL');
  await waitFor(() => visitors.summary().failed > 10 && visitors.summary().webSockets.dropped === 1);
});
