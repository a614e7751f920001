import { DBOS } from '@dbos-inc/dbos-sdk';
import type { Pool } from 'pg';
import { log } from '../base/log.ts';
import type { ErrorReport } from '../protocol/errors.ts';
import { attempt, type Retries, usualRetries } from './attempt.ts';
import { quietLogger } from './logger.ts';
import { backwards, type DurableStep, type Kind, type Outcome } from './step.ts';

export interface RunnerOptions {
  /** Connections to the database that holds the journal. They stay the caller's. */
  pool: Pool;
  /** Names this process among those that share the database; the same after a restart, so that it finds its runs. */
  executor: string;
  retries?: Partial<Retries>;
}

/** How a run stands in the journal. */
export type Standing = 'unknown' | 'unfinished' | 'ended';

interface Live {
  readonly control: AbortController;
  readonly settled: Promise<void>;
}

/**
 * Runs ordered lists of steps durably: each finished step is journalled, and a process that was killed goes on from the
 * step in which it was. One runner a process. Define every kind, then `launch`.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #retries: Retries;
  // biome-ignore lint/suspicious/noExplicitAny: the input of each kind is its own; `start` checks it.
  readonly #kinds = new Map<string, Kind<any>>();
  readonly #live = new Map<string, Live>();
  #workflow: ((kind: string, input: unknown) => Promise<void>) | undefined;
  #closing = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#retries = { ...usualRetries, ...options.retries };
  }

  define<Input>(name: string, kind: Kind<Input>): this {
    this.#kinds.set(name, kind);
    return this;
  }

  /** Connects, and takes up again what an earlier process of this executor left unfinished. */
  async launch(): Promise<void> {
    if (DBOS.isInitialized()) throw new Error('there is one runner a process');
    this.#workflow = DBOS.registerWorkflow((kind: string, input: unknown) => this.#track(kind, input), {
      name: 'run',
      maxRecoveryAttempts: 1_000_000,
    });
    DBOS.setConfig({
      name: 'storky',
      systemDatabasePool: this.#options.pool,
      systemDatabaseSchemaName: 'storky_runs',
      // The steps of a run are recorded by the run itself, so a newer version may go on with an older one's run.
      applicationVersion: '1',
      executorID: this.#options.executor,
      useListenNotify: false,
      logger: quietLogger,
    });
    await DBOS.launch();
  }

  /** Idempotent by `runId`: a run that is known, finished or not, is not started again. */
  async start<Input>(kind: string, runId: string, input: Input): Promise<void> {
    if (!this.#workflow || !this.#kinds.has(kind)) throw new Error(`no kind of run is named ${kind}`);
    if ((await this.standing(runId)) !== 'unknown') return;
    await DBOS.startWorkflow(this.#workflow, { workflowID: runId })(kind, input);
  }

  /** True while this process works on it. */
  running(runId: string): boolean {
    return this.#live.has(runId);
  }

  async standing(runId: string): Promise<Standing> {
    const status = await DBOS.getWorkflowStatus(runId);
    if (!status) return 'unknown';
    return ['PENDING', 'ENQUEUED', 'DELAYED'].includes(status.status) ? 'unfinished' : 'ended';
  }

  /** The runs whose id begins so and that have not ended, whether or not this process works on them. */
  async unfinished(prefix: string): Promise<string[]> {
    const runs = await DBOS.listWorkflows({
      workflow_id_prefix: prefix,
      status: ['PENDING', 'ENQUEUED', 'DELAYED'],
      loadInput: false,
      loadOutput: false,
    });
    return [
      ...new Set([
        ...runs.map((run) => run.workflowID),
        ...[...this.#live.keys()].filter((id) => id.startsWith(prefix)),
      ]),
    ];
  }

  /**
   * Takes away the journals of the runs whose id begins so and that ended by themselves: they are not started again, but for
   * the one that is named. One that was stopped is kept, since another process may not have noticed yet.
   */
  async forget(prefix: string, but?: string): Promise<void> {
    const runs = await DBOS.listWorkflows({
      workflow_id_prefix: prefix,
      status: ['SUCCESS', 'ERROR'],
      loadInput: false,
      loadOutput: false,
    });
    const ids = runs.map(({ workflowID }) => workflowID).filter((id) => id !== but && !this.#live.has(id));
    if (ids.length > 0) await DBOS.deleteWorkflows(ids);
  }

  /** Ends a run for good: its step is told by its signal, and awaited. Nothing is undone, and `ended` is not called. */
  async stop(runId: string): Promise<void> {
    await DBOS.cancelWorkflow(runId);
    const live = this.#live.get(runId);
    live?.control.abort(new Error('stopped'));
    await live?.settled;
  }

  /** Leaves unfinished runs to the next launch. Waits for their current step to notice, at most `graceMs`. */
  async close(graceMs = 5_000): Promise<void> {
    this.#closing = true;
    const settled = [...this.#live.values()].map((live) => live.settled);
    for (const live of this.#live.values()) live.control.abort(new Error('the server stops'));
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, graceMs);
    await Promise.race([Promise.all(settled), timer.promise]);
    clearTimeout(timeout);
    if (DBOS.isInitialized()) await DBOS.shutdown({ deregister: true });
  }

  async #track(kind: string, input: unknown): Promise<void> {
    const runId = DBOS.workflowID!;
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const control = new AbortController();
    this.#live.set(runId, { control, settled });
    try {
      if (this.#closing) return await forever();
      await this.#run(kind, input, control.signal, resolve);
    } catch (error) {
      if (!control.signal.aborted) log.error({ err: error, run: runId }, 'a run broke');
      throw error;
    } finally {
      this.#live.delete(runId);
      resolve();
    }
  }

  async #run(name: string, input: unknown, signal: AbortSignal, settled: () => void): Promise<void> {
    const kind = this.#kinds.get(name)!;
    const journal = <T>(id: string, work: () => Promise<T>) =>
      DBOS.runStep(
        () =>
          work().catch((error: unknown) => {
            if (!this.#closing) throw error;
            // A step that was interrupted by our own end must not be journalled as failed: this run simply stops here.
            settled();
            return forever<T>();
          }),
        { name: id },
      );
    const perform = async (steps: readonly DurableStep[], planId: string) => {
      const ids = await journal(planId, async () => steps.map((step) => step.id));
      for (const id of ids) {
        const error = await journal(id, () => this.#perform(steps, id, signal));
        if (error) return { step: id, error };
      }
      return null;
    };

    const steps = await kind.steps(input);
    const failure = await perform(steps, 'plan');
    let outcome: Outcome = { end: 'done' };
    if (failure) {
      const takeBack = await journal('take back?', async () => (await kind.takeBack?.(input, failure)) ?? false);
      const begun = steps.slice(0, steps.findIndex((step) => step.id === failure.step) + 1);
      const undoFailure = takeBack ? await perform(backwards(begun), 'undo') : null;
      outcome = { end: 'failed', ...failure, undone: takeBack && !undoFailure, ...(undoFailure && { undoFailure }) };
    }
    await journal('end', () => kind.ended(input, outcome).then(() => null));
  }

  async #perform(steps: readonly DurableStep[], id: string, signal: AbortSignal): Promise<ErrorReport | null> {
    const step = steps.find((candidate) => candidate.id === id);
    if (!step) throw new Error(`the journal names a step ${id} that there is no more`);
    return attempt((s) => step.execute(s), signal, this.#retries);
  }
}

const forever = <T>(): Promise<T> => new Promise<T>(() => {});
