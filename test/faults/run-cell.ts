import { setTimeout as sleep } from 'node:timers/promises';
import { type Cell, idOf, inWords } from './cell.ts';
import { finalState } from './final-state.ts';
import { inflict } from './inflict.ts';
import type { Journey } from './journey.ts';
import { momentInWords, momentOf } from './moment.ts';
import { randomOf } from './random.ts';
import type { World } from './world.ts';

export interface CellResult {
  cell: string;
  inWords: string;
  outcome: 'passed' | 'failed' | 'missed';
  /** When the fault came and what it was. */
  fault: string;
  /** Who serves in the end, and what the ledger says; or why it cannot be said. */
  statement: string;
  /** What a phase said that failed because of the fault, and was run again or taken back. */
  errors: string[];
  lost: string[];
  duplicated: string[];
  orphans: string[];
  /** Requests that got no answer, or another one than they should: told, not judged. */
  requestsFailed: number;
  seconds: number;
}

/** Of the phases that can be taken back, how often a failure is answered so. */
const abortOdds = 0.3;

/** One phase, with one fault in the moment of one of its steps; then the ledger, and who serves. */
export async function runCell(world: World, journey: Journey, cell: Cell, seed: number): Promise<CellResult> {
  const began = performance.now();
  const failuresBefore = world.visitors.failures.length;
  const misreadBefore = world.visitors.misread.length;
  const result: CellResult = {
    ...{ cell: idOf(cell), inWords: inWords(cell), outcome: 'failed', fault: 'none yet', statement: '' },
    ...{ errors: [], lost: [], duplicated: [], orphans: [], requestsFailed: 0, seconds: 0 },
  };
  try {
    const hit = await phaseWithFault(world, journey, cell, seed, result);
    const { statement, verdict } = await finalState(world, journey);
    const lost = [...verdict.lost, ...world.visitors.misread.slice(misreadBefore)];
    Object.assign(result, { statement, lost, duplicated: verdict.duplicated, orphans: verdict.orphans });
    if (lost.length + verdict.duplicated.length + verdict.orphans.length === 0)
      result.outcome = hit ? 'passed' : 'missed';
  } catch (error) {
    result.statement = causes(error);
  }
  result.requestsFailed = world.visitors.failures.length - failuresBefore;
  result.seconds = Math.round((performance.now() - began) / 100) / 10;
  return result;
}

/** Whether there was something to hit. */
async function phaseWithFault(
  world: World,
  journey: Journey,
  cell: Cell,
  seed: number,
  result: CellResult,
): Promise<boolean> {
  const random = randomOf(seed, idOf(cell));
  const moment = momentOf(cell, random);
  const instead = ['prepare', 'data'].includes(cell.phase) && random() < abortOdds ? 'abort' : undefined;
  const point = world.points.arm(moment.point);
  const { source } = { source: journey.serving };
  const over = Promise.withResolvers<void>();
  const giveUp = new AbortController();
  try {
    const begun = journey.begin(cell.phase).catch((error: Error) => {
      result.errors.push(`${cell.phase}: no answer: ${error.message}`);
    });
    const rests = begun.then(() => journey.rest(giveUp.signal)).then(() => false);
    const reached = await Promise.race([point.reached(giveUp.signal).then(() => true), rests]);
    giveUp.abort();
    if (moment.afterMs > 0) {
      point.release();
      await sleep(moment.afterMs);
    }
    const injury = reached ? inflict(cell, { world, source, random, over: over.promise }) : undefined;
    result.fault = `${momentInWords(moment)}: ${injury?.what ?? (reached ? 'there was nothing to hit' : 'not reached')}`;
    point.release();
    await begun;
    const finished = journey.finish(cell.phase, result.errors, instead);
    finished.finally(() => over.resolve()).catch(() => {});
    await Promise.all([finished, injury?.healed]);
    return injury !== undefined;
  } finally {
    giveUp.abort();
    point.release();
    over.resolve();
  }
}

function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause ? `${error.message}: ${causes(error.cause)}` : error.message;
}
