import { expect, it } from 'vitest';
import type { Visitors } from '../../examples/shop/visitors/index.js';
import { waitFor } from '../support/wait-for.ts';
import { sql } from './stage/database.ts';
import { diesInSwitch, startToDieAt } from './stage/failpoints.ts';
import { areServed, followedShop } from './stage/followed-shop.ts';
import { fragileLinkTo } from './stage/fragile-link.ts';
import { atRest, run, show } from './stage/move.ts';
import type { Region } from './stage/region.ts';
import { closeTheLedger, visit } from './stage/shop.ts';

const remotely = { carriers: { db: 'remote' as const } };

it('either agent is killed, and the link is cut: the app comes to its database again by itself, under the same address', async () => {
  const { region, link } = await fragileLinkTo('west');
  const { stage, visitors, id } = await followedShop({ region }, remotely);
  expect((await run(stage, id, 'finalize')).status).toBe('done');
  expect((await run(stage, id, 'complete')).status).toBe('completed');
  await areServed(visitors, 60);
  const before = await identity(stage.east);

  for (const agent of [stage.west, stage.east]) {
    await agent.killAgent();
    await failsForNow(visitors);
    await agent.startAgent();
    await goesOn(visitors);
  }
  link.cut();
  await failsForNow(visitors);
  link.restore();
  await goesOn(visitors);

  expect(await identity(stage.east), 'no process was started anew, none under another address').toEqual(before);
  // What failed was not acknowledged, or it is there.
  await closeTheLedger(visitors, { database: stage.west, files: stage.east }, { failed: Number.POSITIVE_INFINITY });
  const later = visit(stage.west);
  await areServed(later);
  await closeTheLedger(later, { database: stage.west, files: stage.east });

  async function identity({ name }: Region) {
    const processes = await stage.api.apps.processes({ app: 'shop', region: name });
    const { port } = stage.east.document('shop').remotes[0]!;
    const kept = processes.filter(({ type }) => type !== 'totals').map(({ type, pid }) => `${type} ${pid}`);
    return { port, kept: kept.toSorted() };
  }
});

it.each(['source.sealed', 'source.passive'])(
  'the agent that lends dies in the switch, at %s: one side serves, on the one database',
  async (point) => {
    const { stage, visitors, id } = await followedShop({}, remotely);
    await stage.west.killAgent();
    await startToDieAt(stage.west, point);
    await diesInSwitch(stage, id, stage.west, point);
    await stage.west.startAgent();
    const { status } = await atRest(stage, id);
    if (status !== 'done') expect((await run(stage, id, 'finalize')).status).toBe('done');
    await settled(visitors);
    await closeTheLedger(visitors, { database: stage.west, files: stage.east }, { failed: Number.POSITIVE_INFINITY });
  },
);

it('an abort takes the loan back, and what passes over it', async () => {
  const { stage, visitors, id } = await followedShop({}, remotely);
  const { port } = stage.east.document('shop').remotes[0]!;
  const url = new URL(stage.west.databaseUrl('shop'));
  url.port = `${port}`;
  expect(await sql(url.href, 'SELECT 1 AS here')).toEqual([{ here: 1 }]);
  expect((await run(stage, id, 'abort')).status).toBe('aborted');
  await expect(sql(url.href, 'SELECT 1')).rejects.toThrow();
  expect(await stage.api.apps.get({ app: 'shop', region: 'west' })).toMatchObject({ lent: [], lockedBy: null });
  await closeTheLedger(visitors, stage.west);
});

it('completed after a rollback, nothing is lent any more', async () => {
  const { stage, visitors, id } = await followedShop({}, remotely);
  for (const step of ['finalize', 'rollback', 'complete'] as const) await run(stage, id, step);
  expect((await show(stage, id)).status).toBe('completed');
  expect(stage.east.document('shop').remotes).toEqual([]);
  expect(stage.west.document('shop').loans).toEqual([]);
  await closeTheLedger(visitors, stage.west);
});

/** Proves that the test has cut something: no answer comes that needs the database. */
async function failsForNow(visitors: Visitors): Promise<void> {
  const before = visitors.summary().failed;
  await waitFor(() => visitors.summary().failed > before, { timeout: 40_000, what: 'a request to fail' });
}

/** A minute's worth of answers without a failure between them. */
async function goesOn(visitors: Visitors): Promise<void> {
  await settled(visitors);
  const { failed } = visitors.summary();
  await areServed(visitors, 100);
  expect(visitors.summary().failed - failed, JSON.stringify(visitors.summary().failures.slice(-3))).toBe(0);
}

/** Requests that met the gap have had their time-out. */
async function settled(visitors: Visitors): Promise<void> {
  let seen = -1;
  await waitFor(
    async () => {
      const { failed } = visitors.summary();
      const quiet = failed === seen;
      seen = failed;
      return quiet;
    },
    { timeout: 90_000, every: 6_000, what: 'requests to fail no more' },
  );
}
