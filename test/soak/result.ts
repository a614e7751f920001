import pc from 'picocolors';
import { good, resultTable } from '../../examples/demo/result-table.ts';
import { round } from '../bench/statistics.ts';
import type { TallyVerdict } from '../tally/verdict.ts';
import type { Tallying } from '../tally/visitors.ts';
import type { Figures } from './figures.ts';

/** What a soak ends with; also its last line with --json. Freezes are milliseconds, and those of all switches. */
export interface SoakResult {
  /** Everything that was asked for was done, and nothing was lost, duplicated, failed or without its cause. */
  ok: boolean;
  switches: number;
  rollbacks: number;
  requests: number;
  /** Requests that were not answered as they should be. */
  failed: number;
  acknowledged: number;
  lost: number;
  duplicated: number;
  /** Effects without their cause. */
  orphans: number;
  held: number;
  longestWaitMs: number;
  freezeP50Ms: number;
  freezeP99Ms: number;
  freezeMaxMs: number;
  /** The freezes of the rollbacks alone. */
  rollbackP99Ms: number;
  /** From the command until the app is served and followed on the other side. */
  rollbackTookP99Ms: number;
  freshMoves: number;
  completed: number;
  aborted: number;
  /** Attempts that backed out or were refused, and were made again. */
  notMade: number;
  /** Resident megabytes of the server and each agent, at the start and at the end. */
  memoryMb: [Record<string, number>, Record<string, number>];
  seconds: number;
  seed: number;
  /** Why it ended before its time. */
  error: string | null;
}

export interface Ingredients {
  figures: Figures;
  visitors: Tallying;
  /** How many of the acknowledged were compared and deleted on the way. */
  forgotten: number;
  verdict: TallyVerdict | undefined;
  memory: SoakResult['memoryMb'];
  seconds: number;
  seed: number;
  error: string | null;
}

export function resultOf({
  figures,
  visitors,
  forgotten,
  verdict,
  memory,
  seconds,
  seed,
  error,
}: Ingredients): SoakResult {
  const failed = visitors.failures.length;
  const lost = new Set([...(verdict?.lost ?? []), ...visitors.misread]).size;
  const [duplicated, orphans] = [verdict?.duplicated.length ?? 0, verdict?.orphans.length ?? 0];
  return {
    ok: error === null && verdict?.ok === true && failed + lost + duplicated + orphans === 0,
    switches: figures.switched.length,
    rollbacks: figures.switched.filter(({ phase }) => phase === 'rollback').length,
    requests: visitors.requests,
    failed,
    acknowledged: visitors.acknowledged.length + forgotten,
    lost,
    duplicated,
    orphans,
    held: figures.held,
    longestWaitMs: round(visitors.longestWaitMs),
    freezeP50Ms: figures.freeze(50),
    freezeP99Ms: figures.freeze(99),
    freezeMaxMs: figures.freeze(100),
    rollbackP99Ms: figures.freeze(99, 'rollback'),
    rollbackTookP99Ms: figures.took(99, 'rollback'),
    freshMoves: figures.fresh,
    completed: figures.completed,
    aborted: figures.aborted,
    notMade: figures.notMade.length,
    memoryMb: memory,
    seconds: Math.round(seconds),
    seed,
    error,
  };
}

export const soakTable = (result: SoakResult): string =>
  resultTable([
    ['switches, of which rollbacks', `${result.switches}, ${result.rollbacks}`],
    ['fresh moves, ended, given up', `${result.freshMoves}, ${result.completed}, ${result.aborted}`],
    ['attempts that were not made', result.notMade],
    ['requests', `${result.requests} (${Math.round(result.requests / result.seconds)}/s)`],
    ['failed', good(result.failed)],
    ['acknowledged', result.acknowledged],
    ['lost', good(result.lost)],
    ['duplicated', good(result.duplicated)],
    ['effects without a cause', good(result.orphans)],
    ['held in freezes, then answered', result.held],
    ['longest wait', `${result.longestWaitMs} ms`],
    [
      'freeze p50, p99, longest',
      `${result.freezeP50Ms}, ${result.freezeP99Ms}, ${pc.bold(`${result.freezeMaxMs} ms`)}`,
    ],
    ['freeze of a rollback, p99', `${result.rollbackP99Ms} ms`],
    ['whole rollback, p99', `${result.rollbackTookP99Ms} ms`],
    [
      'memory, MB',
      Object.keys(result.memoryMb[1])
        .map((name) => `${name} ${result.memoryMb[0][name]} → ${result.memoryMb[1][name]}`)
        .join(', '),
    ],
    ['seed', result.seed],
  ]);
