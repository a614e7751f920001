import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SwitchReport } from '../../../src/protocol/migration.ts';
import { TestAuthority } from '../../../src/region/link/authority.test-support.ts';
import { unmanagedTempFolder } from '../../support/temp-folder.ts';
import { type Asked, startChild } from '../child.ts';
import { percentile, round } from '../statistics.ts';
import { type FreezeBenchOptions, type FreezeMeasurement, figuresOf, warmUpMs } from './measurement.ts';
import { type Region, startRegion } from './region.ts';
import type { Seen, Writers } from './writers.ts';

interface Switched extends Seen {
  report: SwitchReport;
  backedOut: number;
}

/**
 * The app moves back and forth between two regions while it is written to, over links of several lengths. Each switch is
 * a move of its own: copied and followed anew, which does not count. The visitors come in at the source, and go to the
 * new region after the switch, as they do when the name leads there.
 */
export async function* freezeOfOneStore(options: FreezeBenchOptions): AsyncGenerator<FreezeMeasurement> {
  const { rttsMs, switches, writesPerSecond } = options;
  await using ends = new AsyncDisposableStack();
  const { path, remove } = unmanagedTempFolder('freeze');
  ends.defer(remove);
  const regions = await startRegions(path, ends);
  const writers = startChild<Writers>(new URL('./writers.ts', import.meta.url));
  ends.defer(writers.end);
  let epoch = 0;
  for (const rttMs of rttsMs) {
    const all: Switched[] = [];
    await writers.ask.to(regions[0].httpPort);
    await writers.ask.start(writesPerSecond, `rtt${rttMs}`);
    await sleep(warmUpMs);
    for (let n = 0; n < switches; n++) {
      const [from, to] = regions;
      await follow(from, to);
      for (const region of regions) region.setDelay(rttMs / 2);
      const switched = await switchOnce(regions, writers.ask, epoch);
      epoch = switched.epoch;
      all.push(switched.done);
      for (const region of regions) region.setDelay(0);
      await Promise.all([to.agent.forgetTarget(), from.agent.forgetSource()]);
      regions.reverse();
    }
    const ledger = await writers.ask.stop();
    if (ledger.failed > 0) process.stderr.write(`freeze: ${ledger.failed} writes failed: ${ledger.lastFailure}\n`);
    const counts = await compare(regions[0], `rtt${rttMs}`, ledger.acknowledged);
    yield summary(rttMs, all, { ...counts, failed: ledger.failed });
  }
}

async function startRegions(base: string, ends: AsyncDisposableStack): Promise<[Region, Region]> {
  const authority = await TestAuthority.create();
  const west = await startRegion('west', true, base, authority, ends);
  const east = await startRegion('east', false, base, authority, ends);
  await west.agent.meet(east.address);
  await east.agent.meet(west.address);
  await west.query(`SET ROLE shop;
    CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, name text);
    INSERT INTO customers (email, name) SELECT md5(g::text) || '@example.org', 'Customer ' || g FROM generate_series(1, 5000) g;
    CREATE TABLE entries (n bigserial PRIMARY KEY, id text NOT NULL, at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON entries (id)`);
  await west.agent.showGate('serve');
  await east.agent.showGate('hold');
  return [west, east];
}

/** Everything up to the confirmation: the copy is current, the app on the new side is well, its gate holds. */
async function follow(from: Region, to: Region): Promise<void> {
  const migration = randomUUID();
  await from.agent.openSource(migration);
  await to.agent.followSource(migration);
  await to.lookAtApp();
  await to.agent.showGate('hold');
}

async function switchOnce(
  [from, to]: [Region, Region],
  writers: Asked<Writers>,
  epoch: number,
): Promise<{ done: Switched; epoch: number }> {
  for (let backedOut = 0; backedOut < 5; backedOut++) {
    await to.agent.rehearse();
    await writers.watch();
    const { report } = await from.agent.switch(++epoch);
    const seen = await writers.watched();
    if (report.outcome === 'backed-out') {
      process.stderr.write(`freeze: a switch backed out: ${report.reason}\n`);
      continue;
    }
    await writers.to(to.httpPort);
    return { done: { ...seen, report, backedOut }, epoch };
  }
  throw new Error('five switches in a row backed out');
}

/** The ledger of the writers against the database that serves. */
async function compare(serving: Region, prefix: string, acknowledged: string[]) {
  const { rows } = await serving.query(
    `SELECT id, count(*)::int AS times FROM entries WHERE id LIKE '${prefix}-%' GROUP BY id`,
  );
  const there = new Map(rows.map(({ id, times }) => [id as string, times as number]));
  return {
    writes: acknowledged.length,
    lost: acknowledged.filter((id) => !there.has(id)).length,
    duplicated: rows.filter(({ times }) => times > 1).length,
  };
}

function summary(
  rttMs: number,
  switched: Switched[],
  counts: { writes: number; lost: number; duplicated: number; failed: number },
): FreezeMeasurement {
  const gaps = switched.map(({ gapMs }) => gapMs);
  return {
    bench: 'freeze',
    stores: ['postgresql'],
    direction: 'a fresh move',
    rttMs,
    ...figuresOf(switched.map(({ report }) => report)),
    ...counts,
    backedOut: switched.reduce((sum, { backedOut }) => sum + backedOut, 0),
    gapP50Ms: round(percentile(gaps, 50)),
    gapP99Ms: round(percentile(gaps, 99)),
  };
}
