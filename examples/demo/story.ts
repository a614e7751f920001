import pc from 'picocolors';
import type { Migration } from '../../src/protocol/migration.ts';
import type { Tick } from '../shop/visitors/index.js';

/** The story goes to standard error: standard output is for --json. */
export const chapter = (title: string): void => console.error(`\n${pc.bold(title)}`);
export const tell = (line: string): void => console.error(`  ${line}`);

const live = process.stderr.isTTY;

/** What the visitors see, second by second; in a terminal only, since the commands show their own progress too. */
export function tick({ second, requests, failed, longestMs }: Tick): void {
  if (!live || second % 5 !== 0) return;
  tell(
    pc.dim(`second ${second}: ${requests} requests, ${failed} failed, the longest took ${Math.round(longestMs)} ms`),
  );
}

/** What the preflight found. */
export function checked({ checks, predictedFreezeMs }: Migration['report']): string {
  const of = (verdict: string) => checks.filter((check) => check.verdict === verdict).length;
  const freeze =
    predictedFreezeMs === null ? '' : `; a freeze of about ${Math.round(predictedFreezeMs)} ms is expected`;
  return `${of('pass')} checks pass, ${of('warn')} warn${freeze}`;
}

export const phases = [
  ['prepare', 'the settings are locked and the app is built over there; the old home goes on serving'],
  ['data', 'database and files are copied and followed while visitors go on writing'],
  ['finalize', 'hold, drain, fence, marker, applied, activate, forward: the freeze'],
] as const;
