import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseEngine, DatabaseInstance, GuestSupport } from '../../../drivers/database/contract.ts';
import type { ProjectDatabase } from '../../../drivers/runtime/projects.ts';
import { type Project, serviceOf } from '../../../protocol/app-record/project.ts';
import type { AppRecord } from '../../../protocol/app-record/record.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { StoreDefinition } from '../../../protocol/link.ts';
import { madeHere } from './made-here.ts';
import type { ProjectsParts } from './projects.ts';
import { restsShut, startedAgain } from './started-again.ts';
import { untilAccepts } from './until-accepts.ts';

/** An image fills an empty database for its first start; a slow disk takes its time over that. */
const firstStartMs = 180_000;

type Parts = Pick<ProjectsParts, 'store' | 'runtime' | 'engine' | 'databaseMoved'>;

/** The databases in containers of projects. */
export class Guests {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async describe(record: AppRecord, database: ProjectDatabase, folder: string): Promise<DatabaseInstance> {
    const { addon, environment } = database;
    const support = await this.#support(database.engine, addon);
    const service = serviceOf(record.project!, addon)!;
    const reached = await this.#parts.runtime.reach(service);
    return await support.describe({
      app: record.name,
      addon,
      folder,
      environment,
      command: this.#parts.runtime.startedWith(service).command,
      ...reached,
    });
  }

  async welcomeAll(app: string): Promise<void> {
    await this.find(app);
    await this.#change(app, (support, instance) => support.welcome(instance));
  }

  async dismissAll(app: string): Promise<void> {
    await this.#change(app, (support, instance) => support.dismiss(instance));
  }

  /** At the agent's start, which may be the host's: nothing is where it was. @throws Error where one does not come up */
  async startAll(app: string): Promise<void> {
    const started = this.#parts.store
      .get(app)
      .instances.filter((one) => one.guest && !this.#restsShut(app, one))
      .map((one) => this.#start(app, one));
    await Promise.all(started);
  }

  /** What a switch has left, and no migration needs, stays stopped where it would come up open (invariant 6). */
  #restsShut(app: string, instance: DatabaseInstance): boolean {
    const { store } = this.#parts;
    return restsShut(store.get(app), store.readEpoch(app), instance);
  }

  /** One that forgets its seal gets it again before anybody reaches it. */
  async #start(app: string, { addon, engine, port, guest }: DatabaseInstance): Promise<void> {
    const { containers } = this.#parts.runtime;
    const { again = untilAccepts } = await this.#support(engine, addon);
    const ready = async () => {
      await this.#find(app, addon);
      await again(this.#parts.store.get(app).instances.find((one) => one.addon === addon)!);
    };
    if (guest!.forgets) return await containers.start(guest!.container, { port, ready });
    await containers.start(guest!.container);
    await ready();
  }

  /** A container that was started anew may have another address: whoever is connected to the old one has to let go of it. */
  async find(app: string): Promise<void> {
    for (const { addon, guest } of this.#parts.store.get(app).instances) if (guest) await this.#find(app, addon);
  }

  async #find(app: string, addon: string): Promise<void> {
    const { store, runtime, databaseMoved } = this.#parts;
    const { instances, record } = store.get(app);
    const { host, guest } = instances.find((one) => one.addon === addon)!;
    const now = await runtime.reach(serviceOf(record.project!, addon)!).catch(() => undefined);
    if (!now || (now.host === host && now.guest.gateway === guest!.gateway)) return;
    store.change(app, (draft) => {
      const changed = draft.instances.find((one) => one.addon === addon);
      if (changed) Object.assign(changed, { host: now.host, guest: { ...changed.guest, ...now.guest } });
    });
    await databaseMoved(app, addon);
  }

  /** Its container, started on nothing, as its image makes it; then Storky's own account. Idempotent. */
  async provision(
    app: string,
    project: Project,
    { addon: { name: addon, engine } }: Extract<StoreDefinition, { kind: 'database' }>,
  ): Promise<void> {
    const { store, runtime } = this.#parts;
    const known = store.get(app).instances.find((one) => one.addon === addon);
    if (known) return await this.#start(app, known);
    const support = await this.#support(engine, addon);
    const service = serviceOf(project, addon);
    if (!service) throw new StorkyError('unknown_addon', { app, name: addon });
    for (const mount of project.mounts)
      if (mount.tree === null && mount.services.includes(service.name))
        await runtime.makeMount(mount, madeHere(store, app));
    await runtime.make(project, service, madeHere(store, app));
    // An image may end its first start, and count on being started again.
    await runtime.start(service);
    const folder = store.paths.database(app, addon);
    // What was known of one that was given up is not true of this one.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
    const { environment, command } = runtime.startedWith(service);
    const log = runtime.commands.logs(service.containers[0]!.name);
    const welcomed = await untilItAnswers(addon, log, async () => {
      const reached = await runtime.reach(service).catch(notYet);
      return await support.welcome(await support.describe({ app, addon, folder, environment, command, ...reached }));
    });
    await runtime.start(service, startedAgain(store.get(app), store.readEpoch(app), welcomed));
    store.change(app, (draft) => void draft.instances.push(welcomed));
  }

  async #change(app: string, how: (support: GuestSupport, instance: DatabaseInstance) => Promise<DatabaseInstance>) {
    const { store } = this.#parts;
    for (const instance of store.get(app).instances.filter(({ guest }) => guest)) {
      const changed = await how(await this.#support(instance.engine, instance.addon), instance);
      store.change(app, (draft) => {
        draft.instances = draft.instances.map((one) => (one.addon === changed.addon ? changed : one));
      });
    }
  }

  async #support(name: string, addon: string): Promise<GuestSupport> {
    const engine: DatabaseEngine = await this.#parts.engine(name);
    if (engine.guest) return engine.guest;
    throw new StorkyError('unsupported', {
      what: `The database ${addon}`,
      detail: `a ${name} in a container cannot be moved yet`,
      hint: 'Move it by hand, or by its address: docs/databases-that-storky-does-not-run.md.',
    });
  }
}

/** A container that ends, and is started again by Docker, is in no network for a moment. */
function notYet(error: Error): never {
  throw new Error(error.message);
}

/** While an image makes its first database, its server comes, goes, and comes again. */
async function untilItAnswers<T>(addon: string, log: string, ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = performance.now() + firstStartMs; ; await sleep(500))
    try {
      return await ask();
    } catch (error) {
      if (error instanceof StorkyError && error.code === 'unsupported') throw error;
      if (performance.now() < giveUpAt) continue;
      const detail = (error as Error).message;
      throw new StorkyError('engine_refused', { engine: addon, detail, hint: `Look at its log: \`${log}\`.` });
    }
}
