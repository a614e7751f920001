import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { knock } from '../../base/knock.ts';
import { log } from '../../base/log.ts';
import { Turns } from '../../base/turns.ts';
import type { AdoptOrder, DatabaseEngine, DatabaseInstance, ProvisionOrder } from '../../drivers/database/contract.ts';
import type { Addon } from '../../protocol/app-record/process.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { engineNamed } from '../engine-named.ts';
import type { AppStore } from './app-store.ts';
import { adopted, externalOrder, leave, orderToTake, renewed } from './external-databases.ts';
import { endLeftBehind } from './left-behind.ts';

/** What the app knows of its database, and so what stays the same wherever it goes. */
export interface DatabaseNames {
  database: string;
  user: string;
  password: string;
}

interface OrderedStore {
  addon: Addon;
  version: string;
  names: DatabaseNames;
}

/** The databases of this region's apps, whatever their engine. */
export class Databases {
  readonly #store: AppStore;
  readonly #engines: () => Promise<DatabaseEngine[]>;
  readonly #region: string;
  /** A database is not started while it is made or taken away. */
  readonly #turns = new Turns();

  constructor(store: AppStore, engines: () => Promise<DatabaseEngine[]>, region: string) {
    this.#store = store;
    this.#engines = engines;
    this.#region = region;
  }

  /** @throws StorkyError engine_missing */
  async engine(name: string, version: string | null = null): Promise<DatabaseEngine> {
    return await engineNamed(this.#engines, name, this.#region, version);
  }

  /** @throws StorkyError unknown_addon */
  instance(app: string, addon: string): DatabaseInstance {
    const found = this.#store.get(app).instances.find((instance) => instance.addon === addon);
    if (!found) throw new StorkyError('unknown_addon', { app, name: addon });
    return found;
  }

  /** What would be asked of the engine; throws where this region cannot have it. Changes nothing. */
  async order(app: string, addon: Addon, names: DatabaseNames = newNames(app, addon.name)): Promise<ProvisionOrder> {
    const engine = await this.engine(addon.engine, addon.version);
    if (addon.address !== undefined) return await externalOrder(engine, addon, this.#adoption(app, addon));
    const versions = await engine.versions();
    const version = addon.version ?? versions.at(-1);
    if (version === undefined || !versions.includes(version))
      throw new StorkyError('engine_missing', { region: this.#region, engine: addon.engine, version: version ?? '' });
    const plans = engine.plans().map((plan) => plan.name);
    if (!plans.includes(addon.plan))
      throw new StorkyError('bad_request', {
        detail: `${addon.engine} has no plan ${addon.plan}; there is ${plans.join(', ')}`,
        field: `addons.${addon.name}.plan`,
      });
    const folder = this.#store.paths.database(app, addon.name);
    return { app, addon: addon.name, plan: addon.plan, version, ...names, folder };
  }

  /** For a move: one of the region's own, or an empty one at the address that was given for it. */
  async orderOf(app: string, { addon, version, names }: OrderedStore): Promise<ProvisionOrder> {
    if (addon.address === undefined) return await this.order(app, { ...addon, version }, names);
    const folder = this.#store.paths.database(app, addon.name);
    return orderToTake({ app, addon: addon.name, plan: addon.plan, version, ...names, folder }, addon.address);
  }

  #adoption(app: string, { name, address, user, password }: Addon): AdoptOrder {
    if (address === undefined || user === undefined || password === undefined)
      throw new StorkyError('bad_request', {
        detail: `${name} is not run by Storky: it needs the user and the password that the app has there`,
        field: `addons.${name}.user`,
      });
    return { app, addon: name, address, user, password, folder: this.#store.paths.database(app, name) };
  }

  /** Written down first, so that a database half made is found after a crash. Idempotent. */
  provision(engineName: string, order: ProvisionOrder): Promise<DatabaseInstance> {
    return this.#turns.take(order.folder, () => this.#provision(engineName, order));
  }

  async #provision(engineName: string, order: ProvisionOrder): Promise<DatabaseInstance> {
    const { app, addon } = order;
    const known = this.#store.get(app).instances.find((instance) => instance.addon === addon);
    if (known) return known;
    const engine = await this.engine(engineName, order.version);
    this.#store.change(app, (draft) => {
      draft.provisioning = [
        ...draft.provisioning.filter((other) => other.order.addon !== addon),
        { engine: engineName, order },
      ];
    });
    const instance = order.address === undefined ? await engine.provision(order) : await adopted(engine, order);
    this.#store.change(app, (draft) => {
      draft.provisioning = draft.provisioning.filter((other) => other.order.addon !== addon);
      draft.instances.push(instance);
    });
    return instance;
  }

  /** Data and all. Idempotent; also takes away one that was only half made. */
  destroy(app: string, addon: string): Promise<void> {
    return this.#turns.take(this.#store.paths.database(app, addon), () => this.#destroy(app, addon));
  }

  async #destroy(app: string, addon: string): Promise<void> {
    const document = this.#store.get(app);
    const half = document.provisioning.find((other) => other.order.addon === addon);
    let instance = document.instances.find((other) => other.addon === addon);
    if (!instance && half) await endLeftBehind(half.order.folder);
    // Asked again, an engine takes over what is there, so the rest of a crash can be destroyed like any other.
    if (!instance && half && half.order.address === undefined)
      instance = await (await this.engine(half.engine)).provision(half.order);
    if (!instance && !half) return;
    const engine = await this.engine((instance ?? half!).engine);
    if (!instance || instance.external) await leave(engine, half?.order, instance, this.#isPassive(app));
    else await engine.destroy(instance);
    rmSync((instance ?? half!.order).folder, { recursive: true, force: true });
    this.#store.change(app, (draft) => {
      draft.instances = draft.instances.filter((other) => other.addon !== addon);
      draft.provisioning = draft.provisioning.filter((other) => other.order.addon !== addon);
    });
  }

  /** Other passwords or certificates of the same database. Looks whether it is; changes nothing. */
  async renewed(app: string, addons: readonly Addon[]): Promise<DatabaseInstance[]> {
    return await Promise.all(
      this.#store.get(app).instances.map(async (instance) => {
        const addon = addons.find(({ name }) => name === instance.addon);
        if (!instance.external || addon?.address === undefined) return instance;
        return await renewed(await this.engine(instance.engine), instance, this.#adoption(app, addon));
      }),
    );
  }

  #isPassive = (app: string) => this.#store.readEpoch(app).role === 'passive';

  async destroyAll(app: string): Promise<void> {
    const { instances, provisioning } = this.#store.get(app);
    for (const addon of [...instances.map((one) => one.addon), ...provisioning.map((one) => one.order.addon)])
      await this.destroy(app, addon);
  }

  async stopAll(app: string): Promise<void> {
    await Promise.all(this.#own(app).map(async (instance) => (await this.engine(instance.engine)).stop(instance)));
  }

  /** Starts again what has ended by itself; nobody else would, and the app would have no database until the agent restarts. */
  async revive(app: string): Promise<void> {
    for (const { addon, folder, host, port } of this.#own(app)) {
      if (!(await refuses(host, port))) continue;
      await this.#turns.take(folder, async () => {
        const instance = this.#store.find(app)?.instances.find((known) => known.addon === addon);
        if (!instance || !(await refuses(host, port))) return;
        log.error({ app, addon }, 'the database has ended; it is started again');
        await (await this.engine(instance.engine)).start(instance);
      });
    }
  }

  async startAll(app: string): Promise<void> {
    await Promise.all(this.#own(app).map(async (instance) => (await this.engine(instance.engine)).start(instance)));
  }

  /** Those that Storky runs. */
  #own(app: string): DatabaseInstance[] {
    return (this.#store.find(app)?.instances ?? []).filter(({ external }) => !external);
  }
}

const refuses = async (host: string, port: number): Promise<boolean> => (await knock(host, port, 1_000)) === 'refuses';

function newNames(app: string, addon: string): DatabaseNames {
  const name = `${app}_${addon}`.replaceAll('-', '_').slice(0, 60);
  return { database: name, user: name, password: randomBytes(24).toString('base64url') };
}
