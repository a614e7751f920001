import type { CopyMeasurement } from './copy/race.ts';
import type { FilesResult } from './files.ts';
import type { FreezeMeasurement } from './freeze/measurement.ts';
import type { RouterMeasurement } from './router.ts';

export type Measurement = CopyMeasurement | FreezeMeasurement | RouterMeasurement | FilesResult;

const widths = [18, 34, 30, 24, 20];

/** One aligned line for people: what, ours, theirs, the figure that counts, and what we aim at. */
const row = (...cells: string[]): string =>
  `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}`.trimEnd();

const headings = {
  copy: ['copy, against', 'ours', 'theirs', 'ratio', 'aim'],
  freeze: ['freeze, link of', 'freeze', 'longest gap of the writers', 'writes lost or twice', 'aim'],
  router: ['router, against', 'ours', 'theirs', 'ratio', 'aim'],
  files: ['files, against', 'ours', 'theirs', 'ratio', 'aim'],
};

export const lines = {
  heading: (bench: keyof typeof headings): string => `\n${row(...headings[bench])}`,
  of(measurement: Measurement): string {
    switch (measurement.bench) {
      case 'copy':
        return copyLine(measurement);
      case 'freeze':
        return freezeLines(measurement);
      case 'router':
        return routerLine(measurement);
      case 'files':
        return filesLine(measurement);
    }
  },
};

const copyAims: Record<string, number> = { pgcopydb: 0.7, 'mydumper|myloader': 0.7, 'full sync': 1.1 };

function copyLine({ peer, ratio, oursSeconds, peerSeconds, bytes, ourPeakMb }: CopyMeasurement): string {
  const size = `${(bytes / 1e9).toFixed(2)} GB`;
  const aim = peer in copyAims ? judged(ratio, '≤', copyAims[peer]!) : '';
  const ours = `${oursSeconds.toFixed(1)} s (${size}, ${ourPeakMb} MB of memory)`;
  return row(peer, ours, `${peerSeconds.toFixed(1)} s`, ratio.toFixed(2), aim);
}

function freezeLines(measured: FreezeMeasurement): string {
  const {
    stores,
    direction,
    rttMs,
    p50Ms,
    p99Ms,
    gapP50Ms,
    gapP99Ms,
    lost,
    duplicated,
    writes,
    switches,
    failed,
    backedOut,
    parts,
  } = measured;
  const extra = [failed > 0 && `${failed} failed`, backedOut > 0 && `${backedOut} backed out`].filter(Boolean);
  const first = row(
    `${rttMs} ms`,
    `p50 ${p50Ms}, p99 ${p99Ms} ms (${switches})`,
    `p50 ${gapP50Ms}, p99 ${gapP99Ms} ms`,
    `${lost}, ${duplicated} of ${writes}`,
    `p99 ${judged(p99Ms, '≤', rttMs + (stores.length > 1 ? 60 : 30))}`,
  );
  const lengths = Object.entries(parts).map(([part, ms]) => `${part} ${ms}`);
  return [
    first,
    `    ${stores.join(', ')}, ${direction}; ms each: ${lengths.join(' · ')}${extra.length > 0 ? `; ${extra.join(', ')}` : ''}`,
  ].join('\n');
}

function routerLine({ peer, ratio, oursRps, peerRps }: RouterMeasurement): string {
  const rps = (value: number) => `${Math.round(value)} requests/s`;
  return row(peer, rps(oursRps), rps(peerRps), ratio.toFixed(2), peer === 'caddy' ? judged(ratio, '≥', 1.3) : '');
}

function filesLine({ peer, ratio, oursMs, peerMs, files, changed }: FilesResult): string {
  const times = `${(1 / ratio).toFixed(1)} × faster`;
  const ours = `${oursMs} ms (${changed} of ${files} changed)`;
  return row(peer, ours, `${peerMs} ms`, times, judged(1 / ratio, '≥', 20));
}

function judged(value: number, how: '≤' | '≥', aim: number): string {
  return `${how} ${aim}: ${(how === '≤' ? value <= aim : value >= aim) ? 'met' : 'missed'}`;
}
