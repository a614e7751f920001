import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { canRunTally } from '../tally/prepare.ts';
import { type Cell, idOf } from './cell.ts';
import { runFaults } from './faults.ts';
import { matrix } from './matrix.ts';
import type { CellResult } from './run-cell.ts';

const seed = 3;
/** In the order in which one move comes to them. */
const riskiest = [
  'data.carry/source-agent/kill',
  'finalize.build-way-back/target-postgresql/kill',
  'rollback.switch/target-agent/kill',
  'finalize.switch/regions-link/cut',
  'rollback.follow-back/server/kill',
];

it.skipIf(!canRunTally())(
  `seed ${seed}: in the riskiest steps one side serves in the end, and the ledger is complete`,
  async () => {
    console.log(
      `faults: seed ${seed}; one again with: npm run faults -- --seed ${seed} --cell '<step>/<victim>/<fault>'`,
    );
    const logs = (_folder: string, result: CellResult) => console.log(JSON.stringify(result, null, 2));
    const options = { cells: cellsNamed(riskiest), seed, rate: 20, folder: tempFolder('faults') };
    const results = await runFaults({ ...options, told: () => {}, failed: logs });
    expect(results.map(({ cell, outcome, statement }) => ({ cell, outcome, statement }))).toEqual(
      results.map(({ cell }) => ({
        cell,
        outcome: 'passed',
        statement: expect.stringMatching(/^served by \w+ alone/),
      })),
    );
    expect(results.map(({ cell }) => cell).toSorted()).toEqual(riskiest.toSorted());
  },
  900_000,
);

function cellsNamed(ids: string[]): Cell[] {
  const all = matrix();
  return ids.map((id) => all.find((cell) => idOf(cell) === id)!);
}
