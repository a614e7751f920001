import { rmSync } from 'node:fs';
import type { DatabaseEngine } from '../../../drivers/database/contract.ts';
import type { ProjectRuntime } from '../../../drivers/runtime/projects.ts';
import { mountOf, type Project, serviceOf } from '../../../protocol/app-record/project.ts';
import type { AppRecord } from '../../../protocol/app-record/record.ts';
import type { ReadHints } from '../../../protocol/discovery.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { StoreDefinition } from '../../../protocol/link.ts';
import type { CheckResult } from '../../../protocol/migration.ts';
import type { ProxyPlace } from '../../../protocol/proxy.ts';
import type { Front } from '../app-document.ts';
import type { AppStore } from '../app-store.ts';
import { digestOf } from '../canonical.ts';
import type { LogLine } from '../logs.ts';
import { DueLooks } from './due-looks.ts';
import { frontOf } from './front.ts';
import { Guests } from './guests.ts';
import { madeHere } from './made-here.ts';
import { isOurs } from './ours.ts';
import type { ProjectGates } from './project-gates.ts';
import type { ProjectRunner } from './project-runner.ts';
import { type ReadRecord, recordOf } from './record-of.ts';
import { waysIn } from './ways-in.ts';

export interface ProjectsParts {
  store: AppStore;
  runtime: ProjectRuntime;
  gates: ProjectGates;
  runner: ProjectRunner;
  region: string;
  engine(name: string): Promise<DatabaseEngine>;
  /** Its server has another address than before. */
  databaseMoved(app: string, addon: string): Promise<void>;
}

/** Apps that are projects of containers: those of others, which are adopted, and those that a move has made here. */
export class Projects {
  readonly #parts: ProjectsParts;
  readonly #guests: Guests;
  readonly #due: DueLooks;

  constructor(parts: ProjectsParts) {
    this.#parts = parts;
    this.#guests = new Guests(parts);
    this.#due = new DueLooks(parts.store, parts.runtime);
  }

  /** What is running there as an app record, with its databases logged in to. Reads, and changes nothing. */
  async read(project: string, app: string | undefined, hints: ReadHints): Promise<ReadRecord> {
    const read = recordOf(await this.#parts.runtime.read(project, hints), app);
    const folder = (addon: string) => this.#parts.store.paths.database(read.record.name, addon);
    const instances = await Promise.all(
      read.databases.map((database) => this.#guests.describe(read.record, database, folder(database.addon))),
    );
    const places: ReadRecord['places'] = {};
    for (const mount of read.record.project!.mounts)
      if (mount.tree !== null) places[mount.tree] = { path: await this.#parts.runtime.mountPath(mount) };
    const versions = new Map(instances.map(({ addon, version }) => [addon, version]));
    const addons = read.record.addons.map((addon) => ({ ...addon, version: versions.get(addon.name)! }));
    return { record: { ...read.record, addons }, instances, places };
  }

  /** The entry of the project that a proxy stands before. Changes nothing. @throws StorkyError proxy_not_found */
  async front({ name, project }: AppRecord, place: ProxyPlace): Promise<Front> {
    const states = await this.#parts.runtime.states(project!);
    return await frontOf(name, project!, states, place, this.#parts.store.paths.folder(name));
  }

  isProject(app: string): boolean {
    return Boolean(this.#parts.store.find(app)?.record.project);
  }

  /**
   * A migration begins: the project must be what was adopted, its databases let Storky in, and its visitors come by the
   * router from now on. Idempotent. @throws StorkyError project_changed
   */
  async begin(app: string): Promise<void> {
    const { store, gates, runner, runtime } = this.#parts;
    if (!this.isProject(app)) return;
    const { made, gateIn } = store.get(app);
    // Only at the very beginning: later a migration has stopped some of it.
    if (!made && !gateIn && store.readEpoch(app).role === 'active') await this.#assertUnchanged(app);
    await this.#guests.welcomeAll(app);
    await gates.open(app, await runtime.states(this.#project(app)));
    await runner.look(app);
  }

  /** No migration has it any more. Where it is served from, nothing of Storky's stays in its way or in its databases. */
  async end(app: string): Promise<void> {
    const { store, gates } = this.#parts;
    if (!this.isProject(app) || store.readEpoch(app).role === 'passive') return;
    await this.#guests.dismissAll(app);
    await gates.close(app);
  }

  /** On the target: the volume, folder or container of one store. Idempotent. */
  async provision(app: string, definition: StoreDefinition): Promise<void> {
    const project = this.#project(app);
    if (definition.kind === 'database') return await this.#guests.provision(app, project, definition);
    await this.#makeTree(app, definition.tree.name);
  }

  async deprovision(app: string, name: string): Promise<void> {
    const { runtime, store } = this.#parts;
    const project = this.#project(app);
    const made = madeHere(store, app);
    const service = serviceOf(project, name);
    if (service) {
      await runtime.remove(service, made);
      for (const mount of project.mounts)
        if (mount.tree === null && mount.services.includes(service.name)) await runtime.removeMount(mount, made);
    }
    const mount = mountOf(project, name);
    if (mount) {
      for (const other of project.services) if (mount.services.includes(other.name)) await runtime.remove(other, made);
      await runtime.removeMount(mount, made);
    }
    store.change(app, (draft) => {
      draft.instances = draft.instances.filter(({ addon }) => addon !== name);
      delete draft.places[name];
    });
  }

  /** What a move has made here goes; what was adopted is its owner's, and stays as it is. Idempotent. */
  async remove(app: string): Promise<void> {
    const { runtime, store, gates } = this.#parts;
    const document = store.get(app);
    const { project } = document.record;
    if (!project) return;
    if (!document.made) {
      if (document.gateIn) await gates.close(app);
      return;
    }
    await gates.close(app);
    const made = madeHere(store, app);
    for (const service of project.services) await runtime.remove(service, made);
    for (const mount of project.mounts) await runtime.removeMount(mount, made);
    await runtime.removeNetworks(project, made);
    for (const image of document.images) await runtime.images.remove(image);
    for (const { folder } of document.instances) rmSync(folder, { recursive: true, force: true });
  }

  /** At the agent's start. What its owner has stopped stays so. */
  async bringBack(app: string): Promise<void> {
    if (isOurs(this.#parts.store.get(app))) return await this.startDatabases(app);
    await this.#guests.find(app);
  }

  /** Its other containers are its owner's engine's to start, or `become`'s. */
  async startDatabases(app: string): Promise<void> {
    await this.#guests.startAll(app);
  }

  /** Where its containers and databases are now, if there is a reason to look. */
  lookIfDue(app: string): Promise<void> {
    return this.#due.ifDue(app, () => this.look(app));
  }

  async close(): Promise<void> {
    await this.#due.close();
  }

  /** Where its containers and databases are now. */
  async look(app: string): Promise<void> {
    await this.#guests.find(app);
    await this.#parts.runner.look(app);
  }

  /** Stopped as its owner's engine stops it, which lets it answer what it was asked. */
  async restartWeb(app: string): Promise<void> {
    const { runtime, runner } = this.#parts;
    const web = this.#project(app).services.filter(({ role, rests }) => role === 'web' && !rests);
    await Promise.all(web.flatMap(({ containers }) => containers).map(({ name }) => runtime.containers.restart(name)));
    await runner.webReady(app);
  }

  /** How its visitors would be led to the gate, and whether they can be. Changes nothing. */
  async waysIn(app: string, routerPid: number): Promise<CheckResult[]> {
    if (!this.isProject(app)) return [];
    const { runtime, gates } = this.#parts;
    const project = this.#project(app);
    return [await waysIn(gates.orderFor(app, await runtime.states(project)), project.name, routerPid)];
  }

  /** Both ends of each connection to its visitors' containers that does not come by the router. */
  passing(app: string, routerPid: number): string[] {
    if (!this.isProject(app)) return [];
    return this.#parts.runner.passing(app, routerPid);
  }

  async logs(app: string, lines: number, type?: string): Promise<LogLine[]> {
    const { services } = this.#project(app);
    const wanted = services.filter(({ name, role }) => type === undefined || type === name || type === role);
    return (await Promise.all(wanted.map((service) => this.#parts.runtime.logs(service, lines)))).flat();
  }

  treePath(app: string, name: string): string {
    const place = this.#parts.store.get(app).places[name];
    if (!place) throw new StorkyError('unknown_addon', { app, name });
    return place.path;
  }

  async #makeTree(app: string, name: string): Promise<void> {
    const { runtime, store } = this.#parts;
    if (store.get(app).places[name]) return;
    const mount = mountOf(this.#project(app), name);
    if (!mount) throw new StorkyError('unknown_addon', { app, name });
    await runtime.makeMount(mount, madeHere(store, app));
    const path = await runtime.mountPath(mount);
    store.change(app, (draft) => {
      draft.places[name] = { path };
    });
  }

  /** What its owner changed since it was adopted would else be lost on the way, or come to life again. */
  async #assertUnchanged(app: string): Promise<void> {
    const { store, region } = this.#parts;
    const { record, hints } = store.get(app);
    const now = recordOf(await this.#parts.runtime.read(record.project!.name, hints), app).record.project!;
    if (digestOf(awake(now)) !== digestOf(awake(record.project!)))
      throw new StorkyError('project_changed', { app, region, project: now.name });
    store.change(app, (draft) => {
      draft.record.project = now;
    });
  }

  #project(app: string): Project {
    const { project } = this.#parts.store.get(app).record;
    if (project) return project;
    throw new StorkyError('internal', { detail: `${app} is no project of containers` });
  }
}

const awake = (project: Project): Project => ({
  ...project,
  services: project.services.map((service) => ({ ...service, rests: false })),
});
