import { dropClaims } from '../base/claim.ts';
import { Deadline } from '../base/deadline.ts';
import type { SourceHome } from './home.ts';

/**
 * Does something while requests wait. The gate serves again by itself when the budget is over, also if this process dies: no
 * epoch makes this side passive. Times in milliseconds; `held` is how many waited.
 */
export async function whileHeld(
  home: Pick<SourceHome, 'gate' | 'epochs'>,
  app: string,
  budgetMs: number,
  drainMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<{ heldMs: number; held: number }> {
  const [gate, epochs] = [home.gate(app), home.epochs(app)];
  dropClaims(epochs.file);
  const began = performance.now();
  using deadline = new Deadline(budgetMs);
  try {
    await gate.hold({ budgetMs }, epochs.read().epoch + 1);
    await gate.drain(drainMs);
    await deadline.race(work(deadline.signal), 'the restart');
    const { released } = await gate.serve();
    return { heldMs: performance.now() - began, held: released };
  } catch (error) {
    await gate.serve();
    throw error;
  } finally {
    dropClaims(epochs.file);
  }
}
