import type { Exit, Runtime } from '../../drivers/runtime/contract.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import { type Cron, nextRun, parseCron } from './cron.ts';
import type { Duty } from './duty.ts';
import type { ProcessTable } from './process-table.ts';
import { note, type Started, startDuty } from './start-duty.ts';

/** setTimeout holds at most 2^31 ms; a longer wait is done in pieces. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/** Runs a command at its times, in UTC. A run never overlaps the one before; times missed while the agent was away are gone. */
export class Schedule {
  readonly duty: Duty;
  readonly expression: string;
  readonly #cron: Cron;
  readonly #runtime: Runtime;
  readonly #table: ProcessTable;
  readonly #mayWork: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<void> | undefined;
  #current: Started | undefined;
  #closed = false;
  #since = new Date().toISOString();

  constructor(duty: Duty, expression: string, runtime: Runtime, table: ProcessTable, mayWork: () => boolean) {
    this.duty = duty;
    this.expression = expression;
    this.#cron = parseCron(expression);
    this.#runtime = runtime;
    this.#table = table;
    this.#mayWork = mayWork;
  }

  start(adopted?: Started): this {
    if (adopted) this.#begin(Promise.resolve(adopted));
    this.#arm();
    return this;
  }

  /** A run, now; nothing where one is still going, or where the app may not work here at this moment. */
  async fire(): Promise<void> {
    if (this.#closed || this.#run) return;
    // Asked at the last moment: the app may have become passive since the timer was set.
    if (!this.#mayWork()) return;
    await this.#begin(startDuty(this.#runtime, this.#table, this.duty, 0));
  }

  /** No run begins after this, and none is left. */
  async stop(): Promise<void> {
    this.#close();
    while (this.#run) {
      // It may be in the middle of its start; then there is something to stop a moment later.
      if (this.#current) await this.#runtime.stop(this.#current.process.handle, this.duty.stopTimeoutMs);
      await Promise.race([this.#run, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
  }

  release(): void {
    this.#close();
    this.#current?.process.release();
  }

  view(): ProcessView {
    const { type, index, command } = this.duty;
    const current = this.#current;
    const since = current?.entry.since ?? this.#since;
    const state = current ? 'running' : 'scheduled';
    return {
      id: `${type}.${index}`,
      type,
      index,
      state,
      pid: current?.process.pid ?? null,
      restarts: 0,
      since,
      command,
    };
  }

  #close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(after = new Date()): void {
    const at = nextRun(this.#cron, after);
    if (this.#closed || !at) return;
    const wait = at.getTime() - Date.now();
    const reached = () => {
      void this.fire();
      this.#arm(at); // Not from the clock: a timer that rings a moment early would ring again for the same minute.
    };
    this.#timer = wait > longestWaitMs ? setTimeout(() => this.#arm(after), longestWaitMs) : setTimeout(reached, wait);
    this.#timer.unref();
  }

  #begin(starting: Promise<Started>): Promise<void> {
    this.#run = starting
      .then((started) => this.#follow(started))
      .catch((error: Error) => note(this.duty, `the scheduled run failed: ${error.message}`))
      .finally(() => {
        this.#current = undefined;
        this.#run = undefined;
      });
    return this.#run;
  }

  async #follow(started: Started): Promise<void> {
    this.#current = started;
    const exit: Exit = await started.process.exited;
    if (exit.code !== 0 && exit.code !== null) note(this.duty, `the scheduled run ended with exit code ${exit.code}`);
    await this.#runtime.stop(started.process.handle, this.duty.stopTimeoutMs);
    started.process.release();
    this.#table.drop(started.entry.run);
  }
}
