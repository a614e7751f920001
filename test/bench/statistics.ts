export const median = (values: number[]): number => percentile(values, 50);

/** Nearest rank: of 20 values the 99th percentile is the largest. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
}

/** Three digits. */
export const round = (value: number): number => Number(value.toPrecision(3));
