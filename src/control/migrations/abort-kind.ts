import type { Phase } from '../../protocol/migration.ts';
import type { DurableStep, Kind } from '../../workflow/step.ts';
import { endRun } from './end-run.ts';
import { backward, type RunInput, type RunParts } from './runs.ts';

/** Only these change anything that would have to be taken back. */
const undoable: readonly Phase[] = ['finalize', 'data', 'prepare'];

/**
 * Abort: the undo of every step that was begun, stopping at the first failure: what stopped the app first, then all others,
 * last one first. An interrupted or failed step may have had a part of its effect, so it is undone too.
 */
export const abortKind = (parts: RunParts): Kind<RunInput> => ({
  async steps(input) {
    const all = undoable.flatMap((phase) => parts.plan(phase));
    const begun = (await parts.steps.list(input.migration)).filter(({ phase }) => undoable.includes(phase));
    const steps = begun.toReversed().flatMap((row) => all.find((candidate) => candidate.id === row.id) ?? []);
    const [first, later] = [steps.filter((step) => step.stopsTheApp), steps.filter((step) => !step.stopsTheApp)];
    return [...first, ...later].flatMap((step): DurableStep[] => {
      if (typeof step.undo !== 'function') return [];
      const id = `abort.${step.id}`;
      return [{ id, execute: (signal) => backward(parts, input, step, id, signal) }];
    });
  },
  ended: (input, outcome) => endRun(parts, input, outcome),
});
