import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { tail } from './tail.ts';

const keptFiles = 3;

export interface LogLine {
  process: string;
  line: string;
}

/** The last lines of an app's processes, each process after the other, with an even share for each. */
export function readLogs(folder: string, lines: number, type?: string): LogLine[] {
  if (!existsSync(folder)) return [];
  const labels = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => name.slice(0, -'.log'.length))
    .filter((label) => type === undefined || label === type || label.startsWith(`${type}.`))
    .sort();
  const share = Math.ceil(lines / Math.max(labels.length, 1));
  return labels.flatMap((label) => {
    const path = join(folder, `${label}.log`);
    const now = tail(path, share);
    const earlier = now.length < share ? tail(`${path}.1`, share - now.length) : [];
    return [...earlier, ...now].map((line) => ({ process: label, line }));
  });
}

/**
 * Copies a log that has grown too large aside and empties it. Processes hold it open and go on appending, so it cannot be
 * renamed; what they write between the copy and the cut is lost.
 */
export function rotateLogs(folder: string, maxBytes: number): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.log'))) {
    const path = join(folder, name);
    if (statSync(path).size <= maxBytes) continue;
    rmSync(`${path}.${keptFiles}`, { force: true });
    for (let n = keptFiles - 1; n >= 1; n--)
      if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`);
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  }
}
