import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { Turns } from '../../base/turns.ts';
import type { DatabaseEngine } from '../../drivers/database/contract.ts';
import type { Runtime } from '../../drivers/runtime/contract.ts';
import type { ProjectRuntime } from '../../drivers/runtime/projects.ts';
import { AppRecord, type AppView } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { Gate, GateMetrics } from '../../protocol/gate.ts';
import type { ProcessView } from '../../protocol/region-contract.ts';
import type { AppDocument } from './app-document.ts';
import type { AppParts } from './app-parts.ts';
import { viewOf } from './app-view.ts';
import { applyRecord, changeRecord } from './apply.ts';
import { buildParts } from './build-parts.ts';
import { checkRecord, refuseLent, refuseLocked } from './check-record.ts';
import type { GateControl } from './gate-control.ts';
import type { HostNames } from './hosts.ts';
import { type LogLine, readLogs, rotateLogs } from './logs.ts';
import { MovingApps } from './moving-apps.ts';
import { type AdoptOrder, adoptProject } from './projects/adopt-project.ts';
import { type RemoteWay, reachedFrom } from './remote-addons.ts';
import { removeApp } from './remove.ts';
import { startApps } from './start-apps.ts';

export interface AppsOptions {
  dataFolder: string;
  region: string;
  /** Default hosts are `<app>.<domain>`. */
  domain: string;
  router: GateControl;
  runtime: Runtime;
  /** Projects of containers on this host. */
  containers: ProjectRuntime;
  engines(): Promise<DatabaseEngine[]>;
  /** A database in a container was started anew, and has another address now. */
  databaseMoved?(app: string, addon: string): Promise<void>;
  /** To the addons that apps use in other regions. */
  remoteWay?: RemoteWay;
  /** How users reach a host of this region; default http on port 80. */
  publicUrl?(host: string): string;
  drainMs?: number;
  logBytes?: number;
}

export interface OpenOptions {
  /** Active by a switch that has not opened its stores yet: nobody is let in until it has. */
  stillClosed?(app: string): boolean;
}

const rotateEveryMs = 10_000;
const reviveEveryMs = 2_000;

/** The apps of this region: what the agent knows of them and what it runs. The user's verbs are here, a migration's in `moving`. */
export class Apps {
  readonly moving: MovingApps;
  readonly #parts: AppParts;
  readonly #router: GateControl;
  readonly #names: HostNames;
  readonly #turns = new Turns();
  readonly #logBytes: number;
  #rotation: NodeJS.Timeout | undefined;
  #reviving: Promise<void> | undefined;
  #closing = new AbortController();

  constructor(options: AppsOptions) {
    this.#router = options.router;
    this.#names = { domain: options.domain, publicUrl: options.publicUrl ?? ((host) => `http://${host}`) };
    this.#logBytes = options.logBytes ?? 10 * 1024 * 1024;
    this.#parts = buildParts(options, this.#names);
    this.moving = new MovingApps(this.#parts, options.runtime, this.#turns);
  }

  /**
   * At the agent's start: what was cut short is finished, databases start, processes are found again, gates are told.
   * Processes that do not run yet come up in the background.
   */
  async open({ stillClosed = () => false }: OpenOptions = {}): Promise<void> {
    await this.#parts.remotes.open();
    await startApps(this.#parts, this.#turns, stillClosed);
    this.#rotation = setInterval(() => this.#rotateLogs(), rotateEveryMs);
    this.#rotation.unref();
    this.#reviving = this.#revive(this.#closing.signal);
  }

  /** The agent goes. Apps and databases stay, unless everything stops; then the next start brings them up again. */
  async close({ everything = false } = {}): Promise<void> {
    clearInterval(this.#rotation);
    this.#closing.abort();
    await this.#reviving;
    await this.#parts.projects.close();
    if (everything) await Promise.all(this.#parts.store.names().map((app) => this.#halt(app)));
    await this.#parts.runner.release();
    await this.#parts.remotes.close();
  }

  async list(): Promise<AppView[]> {
    const { documents, unreadable } = this.#parts.store.all();
    if (unreadable.length > 0) log.error({ apps: unreadable }, 'these documents cannot be read');
    const created = documents.filter(({ life }) => life === 'created');
    return await Promise.all(created.map(({ record }) => this.get(record.name)));
  }

  async get(app: string): Promise<AppView> {
    const document = this.document(app);
    const { store, gates, runner, region } = this.#parts;
    // Where the router is away, what it should be is the best there is to say.
    const gate = await gates.current(app).catch(() => gates.desired(app));
    return viewOf(document, store.readEpoch(app), gate.state, await runner.views(app), region, this.#names);
  }

  async apply(record: AppRecord): Promise<AppView> {
    await this.#turns.take(record.name, () => applyRecord(this.#parts, record));
    return await this.get(record.name);
  }

  /** A project of containers that runs here becomes an app; adopted again, it is read anew. Nothing of it changes. */
  async adopt(order: AdoptOrder): Promise<AppView> {
    const app = await adoptProject(this.#parts, this.#turns, order);
    return await this.get(app);
  }

  /** With its data. @throws StorkyError app_locked, addon_lent */
  remove(app: string, { evenIfLent = false } = {}): Promise<void> {
    return this.#unlocked(app, async () => {
      if (!evenIfLent) refuseLent(this.document(app), this.#parts.region);
      await removeApp(this.#parts, app);
    });
  }

  async start(app: string): Promise<AppView> {
    await this.#desire(app, 'running');
    await this.#parts.runner.webReady(app);
    return await this.get(app);
  }

  async stop(app: string): Promise<AppView> {
    await this.#desire(app, 'stopped');
    return await this.get(app);
  }

  /** Web processes and workers of a release, one by one, without a gap. Also of a locked app: nothing of it changes. */
  async restart(app: string): Promise<void> {
    await this.#turns.take(app, async () => {
      this.#parts.store.change(app, (draft) => {
        draft.restarts++;
      });
      await this.#parts.runner.become(app);
    });
  }

  async scale(app: string, type: string, to: { amount?: number; size?: string }): Promise<AppView> {
    await this.#changeRecord(app, (record) => {
      const process = record.processes[type];
      if (!process)
        throw new StorkyError('bad_request', { detail: `${app} has no process type ${type}`, field: 'type' });
      const wanted = { ...process, amount: to.amount ?? process.amount, size: to.size ?? process.size };
      return { ...record, processes: { ...record.processes, [type]: wanted } };
    });
    return await this.get(app);
  }

  /** Raw, as the user wrote them. */
  environment(app: string): Record<string, string> {
    return this.document(app).record.environment;
  }

  async setEnvironment(app: string, set: Record<string, string>, unset: string[]): Promise<void> {
    await this.#changeRecord(app, (record) => {
      const kept = Object.entries(record.environment).filter(([name]) => !unset.includes(name));
      return { ...record, environment: { ...Object.fromEntries(kept), ...set } };
    });
  }

  async logs(app: string, lines: number, type?: string): Promise<LogLine[]> {
    if (this.document(app).record.project) return await this.#parts.projects.logs(app, lines, type);
    return readLogs(this.#parts.store.paths.logs(app), lines, type);
  }

  async processes(app: string): Promise<ProcessView[]> {
    this.document(app);
    return await this.#parts.runner.views(app);
  }

  async metrics(app: string): Promise<{ gate: Gate; metrics: GateMetrics }> {
    this.document(app);
    const [gate, metrics] = await Promise.all([this.#parts.gates.current(app), this.#router.metrics(app)]);
    return { gate, metrics };
  }

  /** Takes an archive in under its hash, for a later `apply`. */
  receiveBuild(sha256: string, archive: Readable): Promise<void> {
    return this.#parts.builds.receive(sha256, archive);
  }

  hasBuild(sha256: string): boolean {
    return this.#parts.builds.has(sha256);
  }

  openBuild(sha256: string): Readable {
    return this.#parts.builds.open(sha256);
  }

  exists(app: string): boolean {
    return this.#parts.store.find(app) !== undefined;
  }

  /** @throws StorkyError unknown_app */
  document(app: string): Readonly<AppDocument> {
    return this.#parts.store.get(app);
  }

  async #halt(app: string): Promise<void> {
    await this.#parts.runner.stop(app);
    await this.#parts.databases.stopAll(app);
  }

  #desire(app: string, desired: AppDocument['desired']): Promise<void> {
    return this.#unlocked(app, async () => {
      this.#parts.store.change(app, (draft) => {
        draft.desired = desired;
      });
      await this.#parts.runner.become(app);
    });
  }

  #changeRecord(app: string, change: (record: AppRecord) => unknown): Promise<void> {
    return this.#unlocked(app, async () => {
      const before = this.document(app);
      const record = parsed(change(before.record));
      checkRecord(record, this.#parts.store, this.#parts.builds, this.#parts.domain);
      await this.#parts.environments.check(
        record,
        reachedFrom(before).map((one) => ({ engine: one.engine, order: one })),
      );
      await changeRecord(this.#parts, before, record);
    });
  }

  #unlocked(app: string, work: () => Promise<void>): Promise<void> {
    return this.#turns.take(app, async () => {
      refuseLocked(this.document(app));
      await work();
    });
  }

  async #revive(signal: AbortSignal): Promise<void> {
    const told = new Map<string, string>();
    for (;;) {
      await sleep(reviveEveryMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      for (const app of this.#parts.store.names()) await lookAfter(this.#parts, app, told);
    }
  }

  #rotateLogs(): void {
    for (const app of this.#parts.store.names()) {
      try {
        rotateLogs(this.#parts.store.paths.logs(app), this.#logBytes);
      } catch (error) {
        log.warn({ app, error: String(error) }, 'logs were not rotated');
      }
    }
  }
}

/**
 * Databases that have ended by themselves start again; of a project of containers, the engine sees to that. What goes wrong
 * is `told` once, and not at every look.
 */
async function lookAfter({ projects, databases }: AppParts, app: string, told: Map<string, string>): Promise<void> {
  const isProject = projects.isProject(app);
  try {
    await (isProject ? projects.lookIfDue(app) : databases.revive(app));
    told.delete(app);
  } catch (thrown) {
    const error = String(thrown);
    if (told.get(app) === error) return;
    told.set(app, error);
    log.error({ app, error }, isProject ? 'its containers cannot be looked at' : 'a database does not come up');
  }
}

function parsed(json: unknown): AppRecord {
  const result = AppRecord.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new StorkyError('bad_request', { detail: issue.message, field: issue.path.join('.') });
}
