import pc from 'picocolors';
import type { Migration } from '../../src/protocol/migration.ts';
import type { LedgerVerdict, Summary } from '../shop/visitors/index.js';
import { good, resultTable } from './result-table.ts';

/** What the demo ends with; also its last line with --json. */
export interface Verdict {
  ok: boolean;
  requests: number;
  requestsPerSecond: number;
  failed: number;
  held: number;
  longestWaitMs: number;
  freezeMs: number;
  acknowledgedWrites: number;
  lostWrites: number;
  duplicatedWrites: number;
  rowsCompared: number;
  filesCompared: number;
  servedBy: Record<string, number>;
  seconds: number;
}

export function judge(summary: Summary, ledger: LedgerVerdict, migration: Migration, seconds: number): Verdict {
  const done = migration.report.switches.find((entry) => entry.outcome === 'switched');
  const sum = (key: 'rowsCompared' | 'filesCompared') =>
    migration.report.stores.reduce((total, store) => total + store[key], 0);
  const lost = new Set([...ledger.lost, ...summary.lost]).size;
  const ok =
    migration.status === 'done' &&
    done !== undefined &&
    summary.failed === 0 &&
    lost === 0 &&
    ledger.duplicated.length === 0 &&
    ledger.overlappingWorkers.length === 0;
  return {
    ok,
    seconds: Math.round(seconds),
    requests: summary.requests,
    requestsPerSecond: Math.round(summary.requests / summary.seconds),
    failed: summary.failed,
    held: done?.held ?? 0,
    longestWaitMs: round(done?.longestWaitMs ?? 0),
    freezeMs: round(done?.freezeMs ?? 0),
    acknowledgedWrites: ledger.acknowledged,
    lostWrites: lost,
    duplicatedWrites: ledger.duplicated.length,
    rowsCompared: sum('rowsCompared'),
    filesCompared: sum('filesCompared'),
    servedBy: summary.servedBy,
  };
}

export const verdictTable = (verdict: Verdict): string =>
  resultTable([
    ['requests', `${verdict.requests} (${verdict.requestsPerSecond}/s)`],
    ['failed', good(verdict.failed)],
    ['held in the freeze, then answered', verdict.held],
    ['longest wait', `${verdict.longestWaitMs} ms`],
    ['freeze', pc.bold(`${verdict.freezeMs} ms`)],
    ['writes acknowledged', verdict.acknowledgedWrites],
    ['writes lost', good(verdict.lostWrites)],
    ['writes duplicated', good(verdict.duplicatedWrites)],
    ['rows compared', verdict.rowsCompared],
    ['files compared', verdict.filesCompared],
  ]);

const round = (ms: number): number => Math.round(ms * 10) / 10;
