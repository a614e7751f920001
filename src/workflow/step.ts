import type { ErrorReport } from '../protocol/errors.ts';

/**
 * What the runner runs. `execute` and `undo` are called at least once and must bear being called again: a server that is
 * killed in the middle of a step calls it anew. An error whose next move is `retry` is tried again for a while.
 */
export interface DurableStep {
  /** Durable: it names the step in the journal. */
  readonly id: string;
  execute(signal: AbortSignal): Promise<void>;
  undo?(signal: AbortSignal): Promise<void>;
}

export interface Failure {
  readonly step: string;
  readonly error: ErrorReport;
}

export type Outcome =
  | { readonly end: 'done' }
  /** `undone` tells that every step of the run was taken back; `undoFailure` where taking back stopped. */
  | ({ readonly end: 'failed'; readonly undone: boolean; readonly undoFailure?: Failure } & Failure);

/** A kind of run: which steps it has, whether a failure takes them back, and what is done with its end. */
export interface Kind<Input> {
  /** Called at the beginning, and again when a killed run goes on. */
  steps(input: Input): Promise<readonly DurableStep[]>;
  /** Whether the steps that this run began are to be undone, last one first. */
  takeBack?(input: Input, failure: Failure): Promise<boolean>;
  /** Called at least once; not when the run was stopped. */
  ended(input: Input, outcome: Outcome): Promise<void>;
}

/** The steps as undo sees them: last one first, each doing its undo. */
export function backwards(steps: readonly DurableStep[]): DurableStep[] {
  return steps.toReversed().flatMap(({ id, undo }) => (undo ? [{ id: `undo:${id}`, execute: undo }] : []));
}
