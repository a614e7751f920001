import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { adminOf, type Client, connect } from '../wire/connect.ts';

/** False, loudly, where the server is not installed; with CI=true the tests run, and fail. */
export const installed = (() => {
  const there = existsSync('/usr/sbin/mariadbd') || process.env.STORKY_MARIADB_DIRS !== undefined;
  if (!there)
    process.stderr.write('\nSKIPPED: mariadb-server is not installed, so nothing of this engine is tested.\n\n');
  return there || process.env.CI === 'true';
})();

/** Real servers in a folder of their own; everything is gone after `dispose`. */
export class Servers {
  readonly folder = mkdtempSync(join(tmpdir(), 'storky-mdb-'));
  readonly #instances: DatabaseInstance[] = [];
  readonly #clients: Client[] = [];

  constructor() {
    // The database's account has to pass through it.
    chmodSync(this.folder, 0o711);
  }

  async provision(name: string, plan = 'sandbox'): Promise<DatabaseInstance> {
    const instance = await engine.provision({
      app: 'shop',
      addon: name,
      plan,
      version: (await engine.versions()).at(-1)!,
      database: 'shop-db_1',
      user: "Shop 'User",
      password: "s3cret ' pass",
      folder: join(this.folder, name),
    });
    this.#instances.push(instance);
    return instance;
  }

  /** A session in the app's database whose writes are logged, as an app's are. */
  async client(
    instance: DatabaseInstance,
    as: 'app' | 'admin' | [user: string, password: string] = 'app',
  ): Promise<Client> {
    const { host, port, user, password } = instance;
    const address = Array.isArray(as) ? { host, port, user: as[0], password: as[1] } : { host, port, user, password };
    const client = await connect(as === 'admin' ? adminOf(instance) : address, { logged: true });
    await client.query(`USE \`${instance.database}\``);
    this.#clients.push(client);
    return client;
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    for (const instance of this.#instances) await engine.destroy(instance);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const soon = (ms = 10_000) => ({ at: performance.now() + ms, signal: new AbortController().signal });
export const never = new AbortController().signal;
