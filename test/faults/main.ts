// `npm run faults -- [--cells N] [--seed 1] [--cell <step>/<victim>/<fault>] [--rate 20] [--list] [--json]`: exit code 1 if a
// cell failed. The same seed has the same faults at the same moments, each cell also when it is run alone.
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { keepLogs } from '../support/keep-logs.ts';
import { withOwnFolder } from '../support/own-folder.ts';
import { canRunTally } from '../tally/prepare.ts';
import { type Cell, idOf, inWords } from './cell.ts';
import { runFaults } from './faults.ts';
import { matrix } from './matrix.ts';
import { randomOf, shuffled } from './random.ts';
import { matrixTable, resultOf } from './result.ts';
import type { CellResult } from './run-cell.ts';

const { values } = parseArgs({
  options: {
    cells: { type: 'string' },
    cell: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '20' },
    list: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});
const seed = Number(values.seed);
const cells = chosen();
/** Progress goes to standard error: standard output is for --list and --json. */
const tell = (line: string) => process.stderr.write(`${line}\n`);
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
const outside = tmpdir();
const results: CellResult[] = [];

if (values.list) for (const cell of cells) console.log(`${idOf(cell)}  ${inWords(cell)}`);
else if (canRunTally()) await withOwnFolder(all);
else process.exitCode = 1;

async function all(): Promise<void> {
  tell(`${cells.length} cells, seed ${seed}`);
  const told = (result: CellResult) => {
    results.push(result);
    tellOf(result);
  };
  const failed = (folder: string) => tell(`    the logs are kept in ${keepLogs(folder, outside)}`);
  await runFaults({ cells, seed, rate: Number(values.rate), folder: tmpdir(), told, failed });
  tell(matrixTable(cells, results));
  const result = resultOf(results, elapsed(), seed);
  for (const { cell } of results.filter(({ outcome }) => outcome === 'failed'))
    tell(`failed; again with: ${again(cell)}`);
  tell(
    `${result.cells} cells: ${result.passed} passed, ${result.failed} failed, ${result.missed} missed their moment; ` +
      `${result.lost} lost, ${result.duplicated} duplicated; ${result.requestsFailed} requests got no answer; seed ${seed}`,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.failed === 0 ? 0 : 1;
}

function chosen(): Cell[] {
  const all = matrix();
  if (values.cell) return all.filter((cell) => values.cell!.some((wish) => new RegExp(`^${wish}$`).test(idOf(cell))));
  const count = values.cells === undefined ? all.length : Number(values.cells);
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed))
    throw new Error('cells and seed are whole numbers');
  return shuffled(all, randomOf(seed, 'the sample')).slice(0, count);
}

function tellOf({ cell, inWords, outcome, fault, statement, errors, ...rest }: CellResult): void {
  const left = (elapsed() / results.length) * (cells.length - results.length);
  const standing = `${results.length}/${cells.length}, about ${Math.ceil(left / 60)} min left`;
  tell(`${outcome.toUpperCase().padEnd(6)} ${cell}  (${standing}; ${rest.seconds} s)\n    ${inWords}, ${fault}`);
  for (const error of errors) tell(`    said: ${error}`);
  tell(`    ${statement}; ${rest.requestsFailed} requests got no answer`);
  for (const line of [...rest.lost, ...rest.duplicated, ...rest.orphans].slice(0, 10)) tell(`    wrong: ${line}`);
  if (outcome === 'failed') tell(`    again with: ${again(cell)}`);
}

function again(cell: string): string {
  return `npm run faults -- --seed ${seed} --cell '${cell}'`;
}
