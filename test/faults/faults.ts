import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Phase } from '../../src/protocol/migration.ts';
import { type Cell, idOf, inWords } from './cell.ts';
import { Journey } from './journey.ts';
import { randomOf } from './random.ts';
import { wayTo } from './route.ts';
import { type CellResult, runCell } from './run-cell.ts';
import { buildWorld, type World } from './world.ts';

export interface FaultsOptions {
  cells: Cell[];
  seed: number;
  folder: string;
  /** Requests a second, of the visitors. */
  rate: number;
  /** Of each cell, as soon as it is over. */
  told(result: CellResult): void;
  /** Before the world that a cell failed in is taken down. */
  failed(folder: string, result: CellResult): void;
}

/** A world is used for so many cells, since the ledger that each compares grows; and for none after one that failed. */
const cellsInOneWorld = 30;

/** Every cell once, in the order in which the app's moves come to its phase. */
export async function runFaults(options: FaultsOptions): Promise<CellResult[]> {
  const left = [...options.cells];
  const results: CellResult[] = [];
  for (let n = 0; left.length > 0; n++) {
    const folder = join(options.folder, `world-${n}`);
    const world = await buildWorld({ ...options, folder });
    try {
      await inWorld(world, left, options, (result) => {
        results.push(result);
        options.told(result);
        if (result.outcome === 'failed') options.failed(folder, result);
      });
    } finally {
      await world.end();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }
  return results;
}

async function inWorld(
  world: World,
  left: Cell[],
  { seed }: FaultsOptions,
  ended: (result: CellResult) => void,
): Promise<void> {
  const journey = new Journey(world);
  const random = randomOf(seed, 'the order');
  for (let n = 0; left.length > 0 && n < cellsInOneWorld; n++) {
    await journey.lookBack();
    const way = wayTo((phase) => left.some((cell) => cell.phase === phase), journey.position);
    const fitting = left.filter((cell) => cell.phase === way.at(-1));
    const [cell] = left.splice(left.indexOf(fitting[Math.floor(random() * fitting.length)]!), 1) as [Cell];
    const spoilt = await goTo(journey, way.slice(0, -1)).then(
      () => undefined,
      (error: Error) => onTheWay(cell, error),
    );
    const over = spoilt ?? (await runCell(world, journey, cell, seed));
    ended(over);
    if (over.outcome === 'failed') return;
  }
}

async function goTo(journey: Journey, way: Phase[]): Promise<void> {
  for (const phase of way) await journey.run(phase);
}

/** A phase without a fault, that the fault of an earlier cell has spoilt. */
const onTheWay = (cell: Cell, error: Error): CellResult => ({
  ...{ cell: idOf(cell), inWords: inWords(cell), outcome: 'failed', fault: 'none yet', errors: [], lost: [] },
  ...{ duplicated: [], orphans: [], requestsFailed: 0, seconds: 0 },
  statement: `on the way there, after the cells before it: ${error.message}`,
});
