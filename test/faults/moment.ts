import type { Cell } from './cell.ts';

/** When the fault comes: at a point, or so long after it. */
export interface Moment {
  point: string;
  afterMs: number;
}

/** Inside the switch the agents have points of their own. */
const ofTheSwitch = [
  ...['held', 'marked', 'sealed', 'passive', 'told', 'forwarding'].map((name) => `source.${name}`),
  ...['prepared', 'applied', 'active', 'open'].map((name) => `target.${name}`),
];

/** A step takes from milliseconds to some seconds: times of every size are as likely. */
const [shortestMs, longestMs] = [1, 3_000];

/** Before a step, in the middle of it, or when it is done and not yet written down. */
export function momentOf({ step }: Cell, random: () => number): Moment {
  const [which, where] = [random(), random()];
  if (/^(finalize|rollback)\.switch$/.test(step) && which < 0.75)
    return { point: ofTheSwitch[Math.floor(where * ofTheSwitch.length)]!, afterMs: 0 };
  if (which < 0.25) return { point: `${step}.begins`, afterMs: 0 };
  if (which > 0.75) return { point: `${step}.ends`, afterMs: 0 };
  return { point: `${step}.begins`, afterMs: Math.round(shortestMs * (longestMs / shortestMs) ** where) };
}

export const momentInWords = ({ point, afterMs }: Moment): string =>
  afterMs === 0 ? `at ${point}` : `${afterMs} ms after ${point}`;
