import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FollowTicket, SourceStore, TargetStore } from '../../../store.ts';
import { never } from '../../conformance/rig.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { adminOf, type Client, connect } from '../wire/connect.ts';

type Account = 'app' | 'admin' | { user: string; password: string };

/** Real servers in a folder of their own; everything is gone after `dispose`. */
export class Servers {
  readonly folder = mkdtempSync(join(tmpdir(), 'storky-redis-'));
  readonly #instances: DatabaseInstance[] = [];
  readonly #clients: Client[] = [];

  constructor() {
    // The servers' account has to pass through it.
    chmodSync(this.folder, 0o711);
  }

  async provision(name: string, plan = 'sandbox'): Promise<DatabaseInstance> {
    const instance = await engine.provision({
      ...{ app: 'shop', addon: name, plan, version: (await engine.versions()).at(-1)! },
      ...{ database: 'shop_cache', user: 'shop_cache', password: "s3cret ' pass" },
      folder: join(this.folder, name),
    });
    this.#instances.push(instance);
    return instance;
  }

  async client(instance: DatabaseInstance, as: Account = 'app'): Promise<Client> {
    const { host, port, user, password } = instance;
    const account = as === 'admin' ? adminOf(instance) : { host, port, ...(as === 'app' ? { user, password } : as) };
    const client = await connect(account, 'test');
    this.#clients.push(client);
    return client;
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    for (const instance of this.#instances) await engine.destroy(instance);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Two servers, a way between them, and the roles of one move. */
export class Move {
  readonly servers = new Servers();
  readonly migration = randomUUID();
  here!: DatabaseInstance;
  there!: DatabaseInstance;
  tunnel!: Tunnel;
  source!: SourceStore;
  target!: TargetStore;
  ticket!: FollowTicket;
  /** As the app, on the source. */
  app!: Client;

  static async begin(plan?: string): Promise<Move> {
    const move = new Move();
    [move.here, move.there] = [await move.servers.provision('here', plan), await move.servers.provision('there', plan)];
    move.tunnel = await Tunnel.to(move.here);
    move.source = engine.source(move.here);
    move.target = engine.target(move.there);
    move.app = await move.servers.client(move.here);
    return move;
  }

  async copy(): Promise<void> {
    this.ticket = (await this.source.open(this.migration)).ticket;
    await this.target.copy(this.migration, this.ticket, this.tunnel, () => {}, never);
    await this.target.standby();
    await this.follow();
  }

  follow(): Promise<void> {
    return this.target.follow(this.migration, this.ticket, this.tunnel, never);
  }

  async differences(): Promise<string[]> {
    return (await this.target.verify(this.migration, this.ticket, this.tunnel, () => {}, never)).differences;
  }

  async ready(): Promise<void> {
    await this.target.rehearse(this.migration, this.tunnel, never);
    await this.source.ready(this.migration);
  }

  async dispose(): Promise<void> {
    await this.source?.[Symbol.asyncDispose]();
    await this.target?.[Symbol.asyncDispose]();
    this.tunnel?.close();
    await this.servers.dispose();
  }
}
