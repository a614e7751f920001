import Table from 'cli-table3';
import pc from 'picocolors';
import { type Cell, idOf } from './cell.ts';
import type { CellResult } from './run-cell.ts';

/** What the matrix ends with; also its last line with --json. */
export interface FaultsResult {
  cells: number;
  passed: number;
  failed: number;
  /** Cells in which the phase went by without the point, or there was nothing to hit: nothing is proven by them. */
  missed: number;
  /** Ids that were acknowledged and are not in every store of the side that serves. */
  lost: number;
  duplicated: number;
  /** Effects without their cause. */
  orphans: number;
  /** Told, not judged: a home that is away for 20 s answers nobody. */
  requestsFailed: number;
  seconds: number;
  seed: number;
}

export function resultOf(results: CellResult[], seconds: number, seed: number): FaultsResult {
  const count = (outcome: CellResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const sum = (value: (result: CellResult) => number) => results.reduce((total, result) => total + value(result), 0);
  return {
    cells: results.length,
    passed: count('passed'),
    failed: count('failed'),
    missed: count('missed'),
    lost: sum(({ lost }) => lost.length),
    duplicated: sum(({ duplicated }) => duplicated.length),
    orphans: sum(({ orphans }) => orphans.length),
    requestsFailed: sum(({ requestsFailed }) => requestsFailed),
    seconds: Math.round(seconds),
    seed,
  };
}

const columns = {
  server: /^server$/,
  agents: /-agent$/,
  routers: /-router$/,
  databases: /-(postgresql|mariadb|redis)$/,
  app: /-(web|worker)$/,
  network: /-link$/,
  disks: /-disk$/,
};

/** A row for each step, and how many of its cells passed; those that missed their moment do not count. */
export function matrixTable(cells: Cell[], results: CellResult[]): string {
  const outcomes = new Map(results.map(({ cell, outcome }) => [cell, outcome]));
  const table = new Table({
    head: ['step', ...Object.keys(columns)],
    style: { head: [], border: pc.isColorSupported ? ['gray'] : [], compact: true },
    colAligns: ['left', ...Object.keys(columns).map(() => 'right' as const)],
  });
  const row = (name: string, of: Cell[]) =>
    table.push([
      name,
      ...Object.values(columns).map((column) => counted(of.filter(({ victim }) => column.test(victim)))),
    ]);
  for (const step of new Set(cells.map((cell) => cell.step)))
    row(
      step,
      cells.filter((cell) => cell.step === step),
    );
  row('all', cells);
  return table.toString();

  function counted(of: Cell[]): string {
    const known = of.map((cell) => outcomes.get(idOf(cell))).filter((outcome) => outcome && outcome !== 'missed');
    if (known.length === 0) return '';
    const passed = known.filter((outcome) => outcome === 'passed').length;
    return passed === known.length ? pc.green(`${passed}`) : pc.red(`${passed} of ${known.length}`);
  }
}
