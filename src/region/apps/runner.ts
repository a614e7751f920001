import type { Runtime } from '../../drivers/runtime/contract.ts';
import type { EntryPort } from '../../protocol/gate.ts';
import type { AppRunner } from './app-runner.ts';
import type { AppStore } from './app-store.ts';
import { type Formation, nothing } from './duty.ts';
import type { Environments } from './environment.ts';
import { formationOf, type Surroundings, webMayRun, workMayRun } from './formation.ts';
import type { GateControl } from './gate-control.ts';
import { defaultHost } from './hosts.ts';
import { ProcessTable } from './process-table.ts';
import type { Releases } from './releases.ts';
import { reachedFrom } from './remote-addons.ts';
import { Supervisor } from './supervisor.ts';
import { UpstreamTeller } from './upstream-teller.ts';

export interface RunnerParts {
  store: AppStore;
  releases: Releases;
  environments: Environments;
  runtime: Runtime;
  router: Pick<GateControl, 'upstreams'>;
  region: string;
  domain: string;
  drainMs: number;
}

interface Running {
  supervisor: Supervisor;
  teller: UpstreamTeller;
}

/** Brings what runs into line with what is written: the document says what should run, the epoch whether it may. */
export class Runner implements AppRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, Promise<Running>>();
  readonly #upstreams = new Map<string, () => string[]>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Finds what an earlier agent left running; nothing is started yet. */
  async takeOver(app: string): Promise<void> {
    const { supervisor } = await this.#of(app);
    await supervisor.takeOver(await this.#formation(app));
  }

  /** @throws StorkyError target_unhealthy when new web processes do not come up */
  async become(app: string): Promise<void> {
    const { supervisor } = await this.#of(app);
    await supervisor.become(await this.#formation(app));
    this.#parts.releases.prune(app, supervisor.foldersInUse());
  }

  /** Ends every process of the app, and writes nothing down: the next start of the agent brings them up again. */
  async stop(app: string): Promise<void> {
    await (await this.#of(app)).supervisor.become(nothing);
  }

  async webReady(app: string): Promise<void> {
    await (await this.#of(app)).supervisor.webReady();
  }

  upstreams(app: string): string[] {
    return this.#upstreams.get(app)?.() ?? [];
  }

  /** What it runs has names of its own, and no ports that are its alone. */
  entries(): EntryPort[] {
    return [];
  }

  async views(app: string) {
    return (await this.#of(app)).supervisor.views();
  }

  /** What a command of the app runs in: its release and its environment. */
  async surroundings(app: string): Promise<Surroundings> {
    const { store, releases, environments, domain } = this.#parts;
    const document = store.get(app);
    const { record } = document;
    return {
      release: await releases.prepare(app, record),
      environment: await environments.resolved(record, reachedFrom(document)),
      logs: store.paths.logs(app),
      host: defaultHost(app, domain),
    };
  }

  /** Everything stopped before; forgets the app. */
  async forget(app: string): Promise<void> {
    const running = await this.#running.get(app);
    running?.teller.close();
    await running?.supervisor.release();
    this.#running.delete(app);
    this.#upstreams.delete(app);
  }

  async release(): Promise<void> {
    for (const app of [...this.#running.keys()]) await this.forget(app);
  }

  async #formation(app: string): Promise<Formation> {
    const { store } = this.#parts;
    const document = store.get(app);
    const epoch = store.readEpoch(app);
    if (!webMayRun(document, epoch) && !workMayRun(document, epoch)) return nothing;
    return formationOf(document, epoch, await this.surroundings(app));
  }

  #of(app: string): Promise<Running> {
    let running = this.#running.get(app);
    if (!running) {
      running = this.#adopt(app);
      running.catch(() => this.#running.delete(app));
      this.#running.set(app, running);
    }
    return running;
  }

  async #adopt(app: string): Promise<Running> {
    const { store, router, runtime, region, drainMs } = this.#parts;
    const teller = new UpstreamTeller(app, (upstreams) => router.upstreams(app, upstreams));
    const supervisor = new Supervisor({
      app,
      region,
      runtime,
      drainMs,
      table: new ProcessTable(store.paths.processes(app)),
      tellUpstreams: (upstreams) => teller.tell(upstreams),
      mayWork: () => workMayRun(store.get(app), store.readEpoch(app)),
    });
    await supervisor.adopt();
    this.#upstreams.set(app, () => supervisor.upstreams());
    return { supervisor, teller };
  }
}
