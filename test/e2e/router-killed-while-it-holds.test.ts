import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { sql } from './stage/database.ts';
import { areServed, type FollowedShop, followedShop, gateOf, whenGate } from './stage/followed-shop.ts';
import { gatekeeper } from './stage/gatekeeper.ts';
import { atRest } from './stage/move.ts';
import { closeTheLedger } from './stage/shop.ts';

const app = 'shop';

it('the router is killed while it holds: the new one holds on, and serves where the switch ends', async () => {
  const shop = await followedShop();
  const { stage, visitors, id } = shop;

  await killedInTheFreeze(shop, 3_000, 'too late');
  expect((await atRest(stage, id)).status).toBe('data-migrated');
  await areServed(visitors);

  await killedInTheFreeze(shop, 20_000, 'in time');
  const { status, report, steps } = await atRest(stage, id);
  expect(status, JSON.stringify(steps)).toBe('done');
  expect(report.switches.map(({ outcome }) => outcome)).toEqual(['backed-out', 'switched']);
  await areServed(visitors);

  // Who had a connection to the router that was killed, or asks before there is a new one, learns of it. Nobody else does.
  const { failures, timeline } = await closeTheLedger(visitors, stage.east, { failed: Infinity });
  expect(failures.filter(({ reason }) => !brokenConnection.test(reason))).toEqual([]);
  const moments = timeline.filter(({ failed }, n) => failed > 0 && !timeline[n - 1]?.failed);
  expect(moments.length, JSON.stringify(moments)).toBeLessThanOrEqual(2);
});

/** A transaction in the way of the fence keeps the freeze open for as long as the test wants. */
async function killedInTheFreeze(
  { stage, id, visitors }: FollowedShop,
  budgetMs: number,
  released: 'in time' | 'too late',
): Promise<void> {
  const inTheWay = await gatekeeper(stage.west.databaseUrl(app));
  await stage.api.migrations.run({ app, id, step: 'finalize', budgetMs });
  await whenGate(stage.west, 'hold');
  await waitFor(async () => (await sql(stage.west.databaseUrl(app, 'admin'), fenceWaits)).length > 0, {
    every: 20,
    what: 'the fence to wait for the transaction',
  });
  await stage.west.killRouter();
  if (released === 'in time') {
    const { state, epoch } = await gateOf(stage.west);
    expect({ state, epoch }).toEqual({ state: 'hold', epoch: 1 });
    const before = visitors.summary().failed;
    await inTheWay.release();
    await whenGate(stage.west, 'forward');
    await areServed(visitors);
    expect(visitors.summary().failed).toBe(before);
  } else {
    await whenGate(stage.west, 'serve');
    await inTheWay.release();
  }
}

const fenceWaits = `SELECT FROM pg_stat_activity WHERE application_name = 'storky fence' AND wait_event_type = 'Lock'`;

const brokenConnection =
  /^((read |write )?(ECONNRESET|EPIPE)|ECONNREFUSED|socket hang up|cut without a close frame|connect ECONNREFUSED .*)$/;
