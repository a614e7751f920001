import type { DatabaseInstance, ProvisionOrder } from '../../drivers/database/contract.ts';
import type { AppRecord } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AppPaths } from './app-paths.ts';
import type { Databases } from './databases.ts';
import { type Known, resolve, UnknownReference } from './references.ts';

/** Where the values come from that an app's environment may refer to. */
export class Environments {
  readonly #paths: AppPaths;
  readonly #databases: Databases;
  readonly #region: string;

  constructor(paths: AppPaths, databases: Databases, region: string) {
    this.#paths = paths;
    this.#databases = databases;
    this.#region = region;
  }

  /** What a process gets, apart from its PORT. */
  async resolved(record: AppRecord, instances: readonly DatabaseInstance[]): Promise<Record<string, string>> {
    const own = { APP: record.name, REGION_NAME: this.#region };
    return { ...own, ...this.#resolve(record, await this.#known(record, instances)) };
  }

  /** Throws bad_request for a reference to what is not there, before anything is made. */
  async check(record: AppRecord, orders: readonly { engine: string; order: ProvisionOrder }[]): Promise<void> {
    // Only the names count here; the engine tells them for an instance that is not made yet.
    const imagined = orders.map(({ engine, order }) => ({
      ...order,
      engine,
      host: '127.0.0.1',
      port: 1,
      adminUser: '',
      adminPassword: '',
    }));
    this.#resolve(record, await this.#known(record, imagined));
  }

  #resolve(record: AppRecord, known: Known): Record<string, string> {
    try {
      return resolve(record.environment, known);
    } catch (error) {
      if (!(error instanceof UnknownReference)) throw error;
      throw new StorkyError('bad_request', { detail: error.message, field: 'environment' });
    }
  }

  async #known(record: AppRecord, instances: readonly DatabaseInstance[]): Promise<Known> {
    const known = new Map([
      ['app.name', record.name],
      ['region.name', this.#region],
    ]);
    for (const tree of record.files) known.set(`files.${tree.name}.path`, this.#paths.tree(record.name, tree.name));
    for (const instance of instances) {
      const engine = await this.#databases.engine(instance.engine);
      for (const [key, value] of Object.entries(engine.environment(instance)))
        known.set(`addons.${instance.addon}.${key}`, value);
    }
    return known;
  }
}
