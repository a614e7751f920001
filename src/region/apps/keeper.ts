import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit, Runtime } from '../../drivers/runtime/contract.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import { Backoff } from './backoff.ts';
import type { Duty } from './duty.ts';
import { healthy } from './health.ts';
import type { ProcessTable } from './process-table.ts';
import { note, type Started, startDuty } from './start-duty.ts';

/** So often a new process may end before those who wait for it are told that it will not come up. */
const hopelessFailures = 5;

/**
 * Keeps one process alive: start, health, run, and after its end again, with a growing pause. One loop does all of it,
 * so that there is never a second process of the same keeper.
 */
export class Keeper {
  readonly duty: Duty;
  readonly #runtime: Runtime;
  readonly #table: ProcessTable;
  readonly #changed: () => void;
  readonly #backoff = new Backoff();
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #pause = new AbortController();
  #current: Started | undefined;
  #state: ProcessView['state'] = 'starting';
  #since = new Date().toISOString();
  #restarts = 0;
  #trouble = 'it has not answered yet';
  #loop: Promise<void> = Promise.resolve();
  #leave = false;

  constructor(duty: Duty, runtime: Runtime, table: ProcessTable, changed: () => void) {
    this.duty = duty;
    this.#runtime = runtime;
    this.#table = table;
    this.#changed = changed;
  }

  /** Begins, with a process that an earlier agent left running where there is one. `once`: when that ends, it is over. */
  start(adopted?: Started, once = false): this {
    this.#current = adopted;
    this.#restarts = adopted?.entry.restarts ?? 0;
    if (adopted?.entry.ready) this.#enter('running', adopted.entry.since);
    this.#loop = this.#keep(once);
    return this;
  }

  get isReady(): boolean {
    return this.#state === 'running';
  }

  get isFailing(): boolean {
    return this.#state === 'backing-off';
  }

  /** `host:port` while the process may get requests. */
  get upstream(): string | null {
    const port = this.#current?.entry.port;
    return this.isReady && port ? `127.0.0.1:${port}` : null;
  }

  /** Resolves when it runs (a web process: when it is healthy). @throws Error with the last trouble */
  async ready(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    const before = this.#backoff.failures;
    this.#pause.abort();
    while (!this.isReady) {
      const left = until - performance.now();
      const hopeless = this.#backoff.failures - before >= hopelessFailures;
      if (left <= 0 || hopeless || this.#stopping.signal.aborted)
        throw new Error(`${this.duty.type}.${this.duty.index}: ${this.#trouble}`);
      await this.#nextChange(left);
    }
  }

  /** Resolves when its first start has come to something, good or bad. */
  async attempted(): Promise<void> {
    while (this.#state === 'starting' && !this.#stopping.signal.aborted) await this.#nextChange(1000);
  }

  /** Ends the process and everything it started; nothing is left when it returns. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#pause.abort();
    await this.#loop;
  }

  /** Ends the keeping; the process goes on, for the next agent. */
  async release(): Promise<void> {
    this.#leave = true;
    await this.stop();
  }

  view(): ProcessView {
    const { type, index, command } = this.duty;
    const pid = this.#current?.process.pid ?? null;
    return {
      id: `${type}.${index}`,
      type,
      index,
      state: this.#state,
      pid,
      restarts: this.#restarts,
      since: this.#since,
      command,
    };
  }

  async #keep(once: boolean): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const began = performance.now();
      this.#trouble = await this.#once(signal).catch((error: Error) => error.message);
      if (signal.aborted || once) break;
      const pause = this.#backoff.after(performance.now() - began);
      note(this.duty, `${this.#trouble}; started again in ${pause / 1000} s`);
      this.#enter('backing-off');
      await this.#rest(pause);
      if (signal.aborted) break;
      this.#restarts++;
      this.#enter('starting');
    }
    if (!this.#leave) this.#enter('stopped');
  }

  /** One life of the process; answers why it ended. */
  async #once(signal: AbortSignal): Promise<string> {
    this.#current ??= await startDuty(this.#runtime, this.#table, this.duty, this.#restarts);
    const { entry, process } = this.#current;
    const over = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    const stopped = () => end('it was stopped');
    signal.addEventListener('abort', stopped);
    if (signal.aborted) stopped();
    void process.exited.then((exit) => end(saying(exit)));
    void ended.then(() => over.abort());
    try {
      const failed = await Promise.race([ended, this.#untilReady(entry.ready, entry.port, over.signal)]);
      if (failed !== undefined) return failed;
      this.#table.put({ ...entry, ready: true });
      if (!entry.ready) this.#enter('running', entry.since);
      return await ended;
    } finally {
      over.abort();
      signal.removeEventListener('abort', stopped);
      await this.#end(signal.aborted);
    }
  }

  /** Cut short by whoever waits for the process, and by its stop. */
  async #rest(ms: number): Promise<void> {
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    if (!this.#stopping.signal.aborted) await sleep(ms, undefined, { signal }).catch(() => {});
  }

  /** Undefined when it is ready, else why it is not. */
  async #untilReady(already: boolean, port: number | null, signal: AbortSignal): Promise<string | undefined> {
    if (already || port === null || !this.duty.web) return undefined;
    // Said while it is tried: who waits may have less time than the whole of it, and an earlier life had other troubles.
    const not = (answer: string) => {
      this.#trouble = answer;
    };
    return healthy(port, this.duty.web, signal, not).then(
      () => undefined,
      (error: Error) => error.message,
    );
  }

  async #end(asked: boolean): Promise<void> {
    const { entry, process } = this.#current!;
    if (asked && this.#leave) return process.release();
    if (this.isReady && !asked) this.#enter('starting'); // Out of the gate at once.
    // Also after it ended by itself: its children may still be there, holding its port or its work.
    await this.#runtime.stop(process.handle, this.duty.stopTimeoutMs);
    process.release();
    this.#table.drop(entry.run);
    this.#current = undefined;
  }

  #enter(state: ProcessView['state'], since = new Date().toISOString()): void {
    this.#state = state;
    this.#since = since;
    this.#changed();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #nextChange(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

const saying = ({ code, signal }: Exit): string =>
  code === null && signal === null ? 'it ended' : `it ended with ${signal ?? `exit code ${code}`}`;
