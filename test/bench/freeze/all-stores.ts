import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration, SwitchReport } from '../../../src/protocol/migration.ts';
import { buildWorld, otherThan, type Region, type World } from '../../soak/world.ts';
import { failureOf, Moves } from '../../tally/moves.ts';
import { canRunTally } from '../../tally/prepare.ts';
import { judgeTally } from '../../tally/verdict.ts';
import { type Asked, startChild } from '../child.ts';
import { percentile, round } from '../statistics.ts';
import { type FreezeBenchOptions, type FreezeMeasurement, figuresOf, warmUpMs } from './measurement.ts';
import type { Visitors } from './tallying.ts';

const directions = ['finalize', 'rollback'] as const;
type Direction = (typeof directions)[number];

interface Switched {
  direction: Direction;
  report: SwitchReport;
  gapMs: number;
  backedOut: number;
}

const tries = 5;
/** More than are ever under way at once, so that nobody waits for somebody else's answer. */
const connections = 512;

/**
 * An app with PostgreSQL, MariaDB, Redis and a file tree in two whole regions (agents, routers, a control plane) goes there and
 * back by `finalize` and `rollback`. Each write goes into one of the stores, in turns; besides, the app writes chains through
 * all of them, which no request waits for. Visitors come in where the app is served, as they do when the name leads there.
 */
export async function* freezeOfAllStores(options: FreezeBenchOptions): AsyncGenerator<FreezeMeasurement> {
  if (!canRunTally()) return;
  await using ends = new AsyncDisposableStack();
  const world = await buildWorld(tmpdir(), { slowLink: true });
  ends.defer(() => world.end());
  const visitors = startChild<Visitors>(new URL('./tallying.ts', import.meta.url));
  ends.defer(visitors.end);
  const moves = new Moves(world.api);
  const { id } = await moves.create('west', 'east');
  assertWell(await moves.through(id, 'prepare', 'data'), 'data');
  for (const rttMs of options.rttsMs) yield* await back(world, moves, id, visitors.ask, { ...options, rttMs });
}

/** There and back on one link: one measurement for each direction. */
async function back(
  world: World,
  moves: Moves,
  id: string,
  visitors: Asked<Visitors>,
  { rttMs, switches, writesPerSecond }: FreezeBenchOptions & { rttMs: number },
): Promise<FreezeMeasurement[]> {
  const switched: Switched[] = [];
  let serving: Region = 'west';
  const load = { rate: writesPerSecond, seed: rttMs, oneStoreEach: true, connections };
  world.setDelay(rttMs / 2);
  await visitors.start(world.urls[serving], load);
  await sleep(warmUpMs);
  for (let n = 0; n < switches; n++) {
    switched.push(await switchOnce(moves, id, directions[n % 2]!, visitors));
    serving = otherThan(serving);
    await visitors.retarget(world.urls[serving]);
  }
  world.setDelay(0);
  const { acknowledged, failures } = await visitors.stop();
  for (const failure of failures.slice(0, 5)) process.stderr.write(`freeze: failed: ${failure}\n`);
  const { lost, duplicated, orphans } = await judgeTally(acknowledged, world.folderOf(serving), { final: true });
  for (const wrong of [...lost, ...duplicated, ...orphans].slice(0, 5)) process.stderr.write(`freeze: ${wrong}\n`);
  const counts = { lost: lost.length, duplicated: duplicated.length, orphans: orphans.length };
  return directions.map((direction) => ({
    bench: 'freeze',
    stores: ['postgresql', 'mariadb', 'redis', 'files'],
    direction,
    rttMs,
    ...summary(switched.filter((one) => one.direction === direction)),
    ...counts,
    failed: failures.length,
    writes: acknowledged.length,
  }));
}

async function switchOnce(
  moves: Moves,
  id: string,
  direction: Direction,
  visitors: Asked<Visitors>,
): Promise<Switched> {
  for (let backedOut = 0; backedOut < tries; backedOut++) {
    await visitors.watch();
    const migration = await moves.run(id, direction);
    const gapMs = await visitors.longestGapMs();
    const failure = failureOf(migration, direction);
    if (!failure) return { direction, report: migration.report.switches.at(-1)!, gapMs, backedOut };
    process.stderr.write(`freeze: a ${direction} was not made: ${failure}\n`);
    await sleep(1_000);
  }
  throw new Error(`${tries} times in a row a ${direction} was not made`);
}

function summary(switched: Switched[]) {
  const gaps = switched.map(({ gapMs }) => gapMs);
  return {
    ...figuresOf(switched.map(({ report }) => report)),
    backedOut: switched.reduce((sum, { backedOut }) => sum + backedOut, 0),
    gapP50Ms: round(percentile(gaps, 50)),
    gapP99Ms: round(percentile(gaps, 99)),
  };
}

function assertWell(migration: Migration, phase: 'data'): void {
  const failure = failureOf(migration, phase);
  if (failure) throw new Error(`the app could not be followed: ${failure}`);
}
