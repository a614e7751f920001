import type { SwitchReport } from '../../../src/protocol/migration.ts';
import { median, percentile, round } from '../statistics.ts';

export interface FreezeMeasurement {
  bench: 'freeze';
  stores: string[];
  /** A switch that is a move of its own; or one of a move that goes there and back, by the phase that makes it. */
  direction: 'a fresh move' | 'finalize' | 'rollback';
  /** Emulated, milliseconds. */
  rttMs: number;
  /** From the hold at the source's gate to its forwarding, as the switch reports it. */
  p50Ms: number;
  p99Ms: number;
  switches: number;
  /** Attempts that backed out, or were refused before anything was held, and were made again. */
  backedOut: number;
  /** Acknowledged writes that are not in the store that serves, or are there twice; with several directions, of them all. */
  lost: number;
  duplicated: number;
  /** Effects without their cause: of a chain through several stores, more than the cut let through. */
  orphans?: number;
  /** Writes that were answered with an error, or not at all. */
  failed: number;
  writes: number;
  /** Longest time without an answer to any writer, in each switch. */
  gapP50Ms: number;
  gapP99Ms: number;
  /** Median length of each part of the freeze, milliseconds, in its order. */
  parts: Record<string, number>;
}

export interface FreezeBenchOptions {
  rttsMs: number[];
  switches: number;
  writesPerSecond: number;
}

/** An app that moves has run for a while. */
export const warmUpMs = 5_000;

export function figuresOf(reports: SwitchReport[]) {
  const freezes = reports.map(({ freezeMs }) => freezeMs);
  return {
    p50Ms: round(percentile(freezes, 50)),
    p99Ms: round(percentile(freezes, 99)),
    switches: reports.length,
    parts: parts(reports.map(({ timings }) => timings)),
  };
}

/**
 * The stopwatch names moments since the hold was asked for; a part lasts from one to the next. Some are reached side by side,
 * so that their order is that of the medians.
 */
function parts(timings: Record<string, number>[]): Record<string, number> {
  const moments = Object.keys(timings[0]!)
    .map((name) => ({ name, at: median(timings.map((moment) => moment[name] ?? 0)) }))
    .sort((a, b) => a.at - b.at);
  return Object.fromEntries(moments.map(({ name, at }, i) => [name, round(at - (moments[i - 1]?.at ?? 0))]));
}
