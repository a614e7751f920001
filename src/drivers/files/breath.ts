import { setImmediate as tick } from 'node:timers/promises';

/** Longest that work on a tree may keep everything else in this process waiting, milliseconds. */
const longestTurnMs = 20;

let turnBegan: number | undefined;

/**
 * Thousands of entries that never wait for anything would be one turn of the event loop: other streams would stall, and a
 * timer would fire before the answer that lies there is read. Called between two entries, this lets the others in.
 */
export async function breathe(): Promise<void> {
  if (turnBegan === undefined) {
    turnBegan = performance.now();
    setImmediate(() => (turnBegan = undefined));
  } else if (performance.now() - turnBegan > longestTurnMs) {
    await tick();
  }
}
