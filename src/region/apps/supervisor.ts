import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '../../drivers/runtime/contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import { adoptAll, endAdopted } from './adopt.ts';
import { type Duty, type Formation, labelOf } from './duty.ts';
import { Keeper } from './keeper.ts';
import type { ProcessTable } from './process-table.ts';
import { divide } from './rollout.ts';
import { Schedule } from './schedule.ts';
import type { Started } from './start-duty.ts';

export interface SupervisorOptions {
  app: string;
  region: string;
  runtime: Runtime;
  table: ProcessTable;
  /** How long a web process that has left the gate may go on answering what it had begun. */
  drainMs: number;
  /** Tells the router; resolves when it knows. */
  tellUpstreams(upstreams: string[]): Promise<void>;
  /** Whether a scheduled run may begin at this moment. */
  mayWork(): boolean;
}

/** Runs one app's formation. `become` is called by one caller at a time. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #web: Keeper[] = [];
  #workers: Keeper[] = [];
  #schedules: Schedule[] = [];
  #adopted: Started[] = [];
  #released = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Before the first `become`: finds what an earlier agent left running, and ends what is left of the dead. */
  async adopt(): Promise<void> {
    this.#adopted = await adoptAll(this.#options.runtime, this.#options.table);
  }

  /**
   * Makes it so. Web processes are replaced without a gap: new ones start, prove healthy, enter the gate, and only then
   * the old ones leave it and end. When the new ones fail, the old ones go on and target_unhealthy is thrown.
   */
  async become(formation: Formation): Promise<void> {
    await this.takeOver(formation);
    await this.#stopUnwanted(formation);
    await this.#becomeWeb(formation.web);
    await this.#becomeWorkers(formation.workers);
    await this.#becomeSchedules(formation);
  }

  /** Every process that was adopted goes to a keeper or a schedule, as it is, or ends. Idempotent. */
  async takeOver(formation: Formation): Promise<void> {
    const adopted = this.#adopted;
    this.#adopted = [];
    await Promise.all(adopted.map((started) => this.#place(started, formation)));
  }

  async #place(started: Started, { web, workers, schedules }: Formation): Promise<void> {
    const { entry } = started;
    const fits = (duty: Duty) => duty.type === entry.type && duty.index === entry.index;
    const scheduled = schedules.find(({ duty }) => fits(duty));
    const same = [...web, ...workers].find((duty) => fits(duty) && duty.spec === entry.spec);
    if (scheduled) this.#schedules.push(this.#schedule(scheduled.duty, scheduled.schedule, started));
    else if (same?.web) this.#web.push(this.#keepWeb(same, started));
    else if (same) this.#workers.push(this.#keep(same, started));
    // Out of date, but serving: it goes on until the rollout has put new ones in its place.
    else if (entry.type === 'web' && entry.ready && web.length > 0)
      this.#web.push(this.#keepWeb(dutyOfEntry(started), started, true));
    else await endAdopted(this.#options.runtime, this.#options.table, started);
  }

  upstreams(): string[] {
    return this.#web.map((keeper) => keeper.upstream).filter((upstream) => upstream !== null);
  }

  /** Folders of releases that something runs from. */
  foldersInUse(): Set<string> {
    return new Set(this.#options.table.entries().map(({ folder }) => folder));
  }

  views(): ProcessView[] {
    return [...this.#web, ...this.#workers, ...this.#schedules].map((one) => one.view());
  }

  /** The agent goes; the processes stay. */
  async release(): Promise<void> {
    this.#released = true;
    for (const schedule of this.#schedules) schedule.release();
    await Promise.all([...this.#web, ...this.#workers].map((keeper) => keeper.release()));
  }

  /** Resolves when every web process is healthy. @throws StorkyError target_unhealthy */
  async webReady(): Promise<void> {
    await this.#allReady(this.#web);
  }

  #keepWeb(duty: Duty, adopted?: Started, once = false): Keeper {
    const { runtime, table } = this.#options;
    return new Keeper(duty, runtime, table, () => void this.#tell()).start(adopted, once);
  }

  #keep(duty: Duty, adopted?: Started): Keeper {
    return new Keeper(duty, this.#options.runtime, this.#options.table, () => {}).start(adopted);
  }

  /** Ends what nothing asks for any more, before anything else: a web process that fails must not keep workers alive. */
  async #stopUnwanted({ workers, schedules }: Formation): Promise<void> {
    const slots = new Set(workers.map(labelOf));
    const idle = this.#workers.filter((keeper) => !slots.has(labelOf(keeper.duty)));
    const over = this.#schedules.filter(({ duty }) => !schedules.some((one) => one.duty.type === duty.type));
    this.#workers = this.#workers.filter((keeper) => !idle.includes(keeper));
    this.#schedules = this.#schedules.filter((schedule) => !over.includes(schedule));
    await Promise.all([...idle, ...over].map((one) => one.stop()));
  }

  async #becomeWeb(wanted: Duty[]): Promise<void> {
    const { outdated, missing } = divide(this.#web, wanted);
    const before = this.#web;
    const added = missing.map((duty) => this.#keepWeb(duty));
    this.#web = [...before, ...added];
    try {
      await this.#allReady(added);
    } catch (error) {
      // What ran before goes on; where nothing did, the new ones go on trying.
      if (before.length > 0) await this.#retire(added);
      throw error;
    }
    await this.#retire(outdated);
  }

  /** Out of the gate first, known to the router; then time for what it had begun; then the end. */
  async #retire(keepers: Keeper[]): Promise<void> {
    if (keepers.length === 0) return;
    this.#web = this.#web.filter((keeper) => !keepers.includes(keeper));
    const served = keepers.some((keeper) => keeper.isReady);
    await this.#tell();
    if (served) await sleep(this.#options.drainMs);
    await Promise.all(keepers.map((keeper) => keeper.stop()));
  }

  /** A worker's old process ends before its new one begins: two of them might do the same work. */
  async #becomeWorkers(wanted: Duty[]): Promise<void> {
    const { kept, outdated, missing } = divide(this.#workers, wanted);
    await Promise.all(outdated.map((keeper) => keeper.stop()));
    const added = missing.map((duty) => this.#keep(duty));
    this.#workers = [...kept, ...added];
    await Promise.all(added.map((keeper) => keeper.attempted()));
  }

  async #becomeSchedules({ schedules: wanted }: Formation): Promise<void> {
    const isFor = (schedule: Schedule, { duty, schedule: expression }: Formation['schedules'][number]) =>
      schedule.duty.type === duty.type && schedule.duty.spec === duty.spec && schedule.expression === expression;
    const kept = this.#schedules.filter((schedule) => wanted.some((one) => isFor(schedule, one)));
    const gone = this.#schedules.filter((schedule) => !kept.includes(schedule));
    await Promise.all(gone.map((schedule) => schedule.stop()));
    const missing = wanted.filter((one) => !kept.some((schedule) => isFor(schedule, one)));
    this.#schedules = [...kept, ...missing.map(({ duty, schedule }) => this.#schedule(duty, schedule))];
  }

  #schedule(duty: Duty, expression: string, adopted?: Started): Schedule {
    const { runtime, table, mayWork } = this.#options;
    return new Schedule(duty, expression, runtime, table, mayWork).start(adopted);
  }

  async #tell(): Promise<void> {
    if (!this.#released) await this.#options.tellUpstreams(this.upstreams());
  }

  async #allReady(keepers: Keeper[]): Promise<void> {
    const { app, region } = this.#options;
    const seconds = Math.max(0, ...keepers.map((keeper) => keeper.duty.web?.timeoutSeconds ?? 0));
    try {
      await Promise.all(keepers.map((keeper) => keeper.ready(seconds * 1000)));
    } catch (error) {
      const detail = (error as Error).message;
      throw new StorkyError('target_unhealthy', { app, region, seconds, detail }, { cause: error });
    }
  }
}

/** An adopted process that nothing asks for any more: enough of a duty to end it properly. */
function dutyOfEntry({ entry }: Started): Duty {
  const { type, index, command, folder, spec, stopTimeoutMs } = entry;
  return { type, index, command, folder, spec, stopTimeoutMs, environment: {}, logFile: '/dev/null', web: null };
}
