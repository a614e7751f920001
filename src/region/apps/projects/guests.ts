import { chmodSync, mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseEngine, DatabaseInstance, GuestSupport } from '../../../drivers/database/contract.ts';
import type { ProjectDatabase } from '../../../drivers/runtime/projects.ts';
import { type Project, type ProjectService, serviceOf } from '../../../protocol/app-record/project.ts';
import type { AppRecord } from '../../../protocol/app-record/record.ts';
import { StorkyError } from '../../../protocol/errors.ts';
import type { StoreDefinition } from '../../../protocol/link.ts';
import { madeHere } from './made-here.ts';
import type { ProjectsParts } from './projects.ts';
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
    const reached = await this.#parts.runtime.reach(serviceOf(record.project!, addon)!);
    return await support.describe({ app: record.name, addon, folder, environment, ...reached });
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
    const { store, runtime } = this.#parts;
    for (const { guest } of store.get(app).instances) if (guest) await runtime.containers.start(guest.container);
    await this.find(app);
    await Promise.all(
      store
        .get(app)
        .instances.filter(({ guest }) => guest)
        .map(untilAccepts),
    );
  }

  /** A container that was started anew may have another address: whoever is connected to the old one has to let go of it. */
  async find(app: string): Promise<void> {
    const { store, runtime, databaseMoved } = this.#parts;
    const { instances, record } = store.get(app);
    for (const { addon, host, guest } of instances.filter((one) => one.guest)) {
      const now = await runtime.reach(serviceOf(record.project!, addon)!).catch(() => undefined);
      if (!now || (now.host === host && now.guest.gateway === guest!.gateway)) continue;
      store.change(app, (draft) => {
        const changed = draft.instances.find((one) => one.addon === addon);
        if (changed) Object.assign(changed, now);
      });
      await databaseMoved(app, addon);
    }
  }

  /** Its container, started on nothing, as its image makes it; then Storky's own account. Idempotent. */
  async provision(
    app: string,
    project: Project,
    { addon: { name: addon, engine } }: Extract<StoreDefinition, { kind: 'database' }>,
  ): Promise<void> {
    const { store, runtime } = this.#parts;
    if (store.get(app).instances.some((one) => one.addon === addon)) return;
    const support = await this.#support(engine, addon);
    const service = serviceOf(project, addon);
    if (!service) throw new StorkyError('unknown_addon', { app, name: addon });
    for (const mount of project.mounts)
      if (mount.tree === null && mount.services.includes(service.name))
        await runtime.makeMount(mount, madeHere(store, app));
    await runtime.make(project, service, madeHere(store, app));
    await runtime.start(service);
    const folder = store.paths.database(app, addon);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
    const environment = environmentOf(service);
    const welcomed = await untilItAnswers(addon, async () => {
      const reached = await runtime.reach(service).catch(notYet);
      return await support.welcome(await support.describe({ app, addon, folder, environment, ...reached }));
    });
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

/** The variables of its container, those of the image among them. */
function environmentOf({ containers: [container] }: ProjectService): Record<string, string> {
  const pairs = (container!.spec.Env ?? []) as string[];
  return Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]));
}

/** A container that ends, and is started again by Docker, is in no network for a moment. */
function notYet(error: Error): never {
  throw new Error(error.message);
}

/** While an image makes its first database, its server comes, goes, and comes again. */
async function untilItAnswers<T>(addon: string, ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = performance.now() + firstStartMs; ; await sleep(500))
    try {
      return await ask();
    } catch (error) {
      if (error instanceof StorkyError && error.code === 'unsupported') throw error;
      if (performance.now() < giveUpAt) continue;
      const detail = (error as Error).message;
      throw new StorkyError('engine_refused', { engine: addon, detail, hint: 'Look at its log: `docker logs`.' });
    }
}
