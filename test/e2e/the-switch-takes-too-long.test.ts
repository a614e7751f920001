import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { sql } from './stage/database.ts';
import { areServed, type FollowedShop, followedShop, gateOf, whenGate } from './stage/followed-shop.ts';
import { gatekeeper } from './stage/gatekeeper.ts';
import { atRest, run, show } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger } from './stage/shop.ts';

const app = 'shop';
const budgetMs = 3_000;

it('a transaction, a request or a stalled target outlasts the budget: the source serves on, and the next try succeeds', async () => {
  const shop = await followedShop();
  const { stage, visitors, id } = shop;
  await blockedByTransaction(shop);
  await blockedByUpload(shop);
  await blockedByStalledTarget(shop);

  const { status, report } = await run(stage, id, 'finalize', 10_000);
  expect(status).toBe('done');
  expect(report.switches.map(({ outcome }) => outcome)).toEqual([
    ...['backed-out', 'backed-out', 'backed-out', 'switched'],
  ]);
  await areServed(visitors);
  await closeTheLedger(visitors, stage.east);
  const late = await sql(stage.east.databaseUrl(app, 'admin'), `SELECT FROM daily_totals WHERE day = '1999-12-31'`);
  expect(late).toHaveLength(1);
});

async function blockedByTransaction(shop: FollowedShop): Promise<void> {
  const { stage, id } = shop;
  const slow = await gatekeeper(stage.west.databaseUrl(app));
  await stage.api.migrations.run({ app, id, step: 'finalize', budgetMs });
  await backsOut(shop, /has been open .*idle in transaction/);
  await slow.release(`INSERT INTO daily_totals VALUES ('1999-12-31', 0, 0, now())`);
}

async function blockedByUpload(shop: FollowedShop): Promise<void> {
  const { stage, id } = shop;
  await using upload = slowUpload(stage.west, 'late-picture');
  await upload.begin();
  await stage.api.migrations.run({ app, id, step: 'finalize', budgetMs });
  await backsOut(shop, /1 requests? in flight/);
  expect(await upload.finish()).toMatch(/^HTTP\/1\.1 201 /);
}

async function blockedByStalledTarget(shop: FollowedShop): Promise<void> {
  const { stage, id } = shop;
  // Keeps the freeze open until the target is stopped, so that it stops in the middle of it.
  const slow = await gatekeeper(stage.west.databaseUrl(app));
  await stage.api.migrations.run({ app, id, step: 'finalize', budgetMs });
  await whenGate(stage.west, 'hold');
  stage.east.agent.signal('SIGSTOP');
  try {
    await slow.release();
    await whenGate(stage.west, 'serve');
  } finally {
    stage.east.agent.signal('SIGCONT');
  }
  await backsOut(shop, /the target to apply the markers/);
}

/** What was held is served by the source, without an error, and the migration is where it was. */
async function backsOut({ stage, visitors, id }: FollowedShop, reason: RegExp): Promise<void> {
  const migration = await atRest(stage, id);
  expect(migration.status, JSON.stringify(migration.steps)).toBe('data-migrated');
  const last = migration.report.switches.at(-1)!;
  expect(last.reason).toMatch(reason);
  expect(last).toMatchObject({ outcome: 'backed-out', refused: 0 });
  expect(last.held).toBeGreaterThan(0);
  expect(last.freezeMs).toBeGreaterThan(budgetMs - 200);
  expect(migration.steps.find(({ id: step }) => step === 'finalize.switch')).toMatchObject({ status: 'error' });
  expect(await gateOf(stage.west)).toMatchObject({ state: 'serve', epoch: null });
  await areServed(visitors);
  expect(visitors.summary().failures).toEqual([]);
  const processes = () => stage.api.apps.processes({ app, region: 'west' });
  await waitFor(async () => (await processes()).some(({ type }) => type === 'worker'), { what: 'the worker' });
  expect((await show(stage, id)).status).toBe('data-migrated');
}

/** A picture of which the second half comes when the test says so. */
function slowUpload(region: Region, id: string) {
  const { hostname, port } = new URL(region.url);
  const body = Buffer.alloc(4_000, id);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  return {
    async begin() {
      const head = ['host: shop.localhost', 'content-type: image/bmp', `content-length: ${body.length}`];
      socket.write(`POST /uploads/${id} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
      socket.write(body.subarray(0, 2_000));
      await sleep(100);
    },
    async finish() {
      socket.write(body.subarray(2_000));
      return await waitFor(() => answer.includes('\r\n\r\n') && answer, { what: 'the answer to the upload' });
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
