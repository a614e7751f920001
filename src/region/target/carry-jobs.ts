import { randomUUID } from 'node:crypto';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { persist } from './persist.ts';
import { isUnder } from './under.ts';

const ignored = (): void => {};

interface Job {
  controller: AbortController;
  ended: Promise<void>;
}

/** The running carriers of this agent, one job a store. They go on whoever looks, and are started again with the agent. */
export class CarryJobs {
  readonly #jobs = new Map<string, Job>();

  /** Idempotent while the job runs; one that failed is started anew. */
  start(
    key: string,
    work: (signal: AbortSignal) => Promise<void>,
    events: { waiting(error: StorkyError): void; failed(error: StorkyError): void },
  ): void {
    if (this.#jobs.has(key)) return;
    const controller = new AbortController();
    const ended = persist(key, work, controller.signal, events.waiting)
      .catch((thrown: unknown) => {
        const error = StorkyError.from(thrown);
        log.error({ job: key, code: error.code, detail: error.message }, 'carrying failed');
        events.failed(error);
      })
      .finally(() => this.#jobs.delete(key));
    this.#jobs.set(key, { controller, ended });
  }

  /** What somebody waits for, begun anew by each who asks; `stop` ends it as it ends a carrier. Rejects as the work does. */
  async run<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const result = work(controller.signal);
    const own = `${key}/${randomUUID()}`;
    this.#jobs.set(own, { controller, ended: result.then(ignored, ignored).finally(() => this.#jobs.delete(own)) });
    return await result;
  }

  running(key: string): boolean {
    return this.#jobs.has(key);
  }

  /** Of a stream, of one of its stores, or all (''); resolves when they have ended. */
  async stop(path: string): Promise<void> {
    const jobs = [...this.#jobs].filter(([key]) => isUnder(key, path)).map(([, job]) => job);
    for (const job of jobs) job.controller.abort();
    await Promise.all(jobs.map((job) => job.ended));
  }
}
