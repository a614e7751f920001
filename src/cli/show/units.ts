import type { Progress } from '../../protocol/migration.ts';

/** 950 ms · 2.4 s · 10 s · 3 min 05 s · 2 h 10 min */
export function duration(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1).replace('.0', '')} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** 512 B · 1.5 kB · 12.0 MB: powers of 1000, as disks and networks are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 100 ? 1 : 0)} ${units[unit]}`;
}

/** 1,234,567 */
export const count = (n: number): string => n.toLocaleString('en-US');

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** One amount in the unit of a step's progress. */
export function amount(value: number, unit: Progress['unit']): string {
  if (unit === 'bytes') return bytes(value);
  if (unit === 'ms') return duration(value);
  return `${count(Math.round(value))} ${unit}`;
}

/** Local time, sortable: 2026-03-04 15:06:07 */
export function localTime(iso: string): string {
  const d = new Date(iso);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

const two = (n: number) => String(n).padStart(2, '0');
