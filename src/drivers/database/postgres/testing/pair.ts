import { randomUUID } from 'node:crypto';
import type { FollowTicket, SourceStore, TargetStore, WayBack } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import type { Client } from '../wire/connect.ts';
import { inventory } from './catalog-inventory.ts';
import { Clusters, never, soon, Tunnel } from './clusters.ts';

export interface Side {
  instance: DatabaseInstance;
  tunnel: Tunnel;
  source: SourceStore;
  target: TargetStore;
  wayBack: WayBack;
}

interface Options {
  /** Major versions. */
  a?: string;
  b?: string;
  /** Of both servers. */
  settings?: Record<string, string>;
}

interface Stream {
  id: string;
  ticket: FollowTicket;
}

/** Two homes of one app, `a` and `b`, and the streams between them as it goes to and fro. */
export class Pair {
  readonly clusters = new Clusters();
  a!: DatabaseInstance;
  b!: DatabaseInstance;
  serving!: Side;
  copy!: Side;
  /** From the side that serves to the copy. */
  stream!: Stream;
  /** What is prepared for the next switch. */
  back: Stream | undefined;
  /** That the last switch ended. */
  #done: string | undefined;
  epoch = 0;
  /** Of the first stream. */
  first!: FollowTicket;
  before!: { here: string[]; there: string[] };
  /** A connection of the app to where it is served; a new one after each switch. */
  app!: Client;

  /** Up to where the copy is in sync and refuses writers. */
  async begin(schema: string | ((admin: Client) => Promise<void>), options: Options = {}): Promise<void> {
    this.serving = await this.#side('here', options.a);
    this.copy = await this.#side('there', options.b);
    [this.a, this.b] = [this.serving.instance, this.copy.instance];
    for (const instance of [this.a, this.b]) await this.#set(instance, options.settings ?? {});
    this.app = await this.client(this.a);
    if (typeof schema === 'string') await this.app.query(schema);
    else await schema(await this.client(this.a, 'admin'));
    const inventoryOf = async (instance: DatabaseInstance) => inventory(await this.client(instance, 'admin'));
    this.before = { here: await inventoryOf(this.a), there: await inventoryOf(this.b) };
    const id = randomUUID();
    this.first = travelled((await this.serving.source.open(id)).ticket);
    this.stream = { id, ticket: this.first };
    await this.copy.target.copy(id, this.stream.ticket, this.serving.tunnel, () => {}, never);
    await this.copy.target.standby();
    await this.follow();
  }

  follow(): Promise<void> {
    return this.copy.target.follow(this.stream.id, this.stream.ticket, this.serving.tunnel, never);
  }

  /** Invariant 7. Made again for every attempt. */
  async prepareWayBack(): Promise<void> {
    const id = this.back?.id ?? randomUUID();
    const ticket = travelled(await this.copy.source.openWayBack(id));
    this.back = { id, ticket };
    await this.serving.wayBack.prove(id, ticket, this.copy.tunnel, never);
  }

  async makeReady(): Promise<void> {
    await this.copy.target.rehearse(this.stream.id, this.serving.tunnel, never);
    await this.serving.source.ready(this.stream.id);
  }

  /** Up to where the copy has everything. */
  async freeze(): Promise<void> {
    const epoch = ++this.epoch;
    const applied = this.copy.target.applied(this.stream.id, epoch, soon());
    applied.catch(() => {});
    await this.serving.source.fence(soon());
    await this.serving.source.mark(this.stream.id, epoch, soon());
    await applied;
  }

  /** The roles are exchanged. */
  async decide(): Promise<void> {
    await this.serving.source.seal();
    await this.copy.target.activate(this.epoch);
    this.#done = this.stream.id;
    [this.serving, this.copy] = [this.copy, this.serving];
    this.stream = this.back!;
    this.back = undefined;
    this.app = await this.client(this.serving.instance);
  }

  async switchOver(): Promise<void> {
    await this.makeReady();
    await this.freeze();
    await this.decide();
  }

  beginWayBack(): Promise<void> {
    return this.copy.wayBack.begin(this.stream.id, this.stream.ticket, this.serving.tunnel, null, never);
  }

  /** Takes away what the stream that the last switch ended needed. */
  async tidy(): Promise<void> {
    await this.serving.target.close(this.#done!);
    await this.copy.source.close(this.#done!);
  }

  async caughtUp(): Promise<void> {
    await this.copy.target.rehearse(this.stream.id, this.serving.tunnel, never);
  }

  async differences(): Promise<string[]> {
    const { copy, stream, serving } = this;
    return (await copy.target.verify(stream.id, stream.ticket, serving.tunnel, () => {}, never)).differences;
  }

  client(instance: DatabaseInstance, as: 'app' | 'admin' = 'app'): Promise<Client> {
    return this.clusters.client(instance, as);
  }

  /** As an agent that is killed and started again: what it kept in memory is gone. */
  async forget(side: Side): Promise<void> {
    await Promise.all([side.source[Symbol.asyncDispose](), side.target[Symbol.asyncDispose]()]);
    Object.assign(side, roles(side.instance));
  }

  async dispose(): Promise<void> {
    for (const side of [this.serving, this.copy]) {
      await side?.source[Symbol.asyncDispose]();
      await side?.target[Symbol.asyncDispose]();
      side?.tunnel.close();
    }
    await this.clusters.dispose();
  }

  async #set(instance: DatabaseInstance, settings: Record<string, string>): Promise<void> {
    const admin = await this.client(instance, 'admin');
    for (const [name, value] of Object.entries(settings)) await admin.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await admin.query('SELECT pg_reload_conf()');
  }

  async #side(name: string, version?: string): Promise<Side> {
    const instance = await this.clusters.provision(name, version);
    return { instance, tunnel: await Tunnel.to(instance), ...roles(instance) };
  }
}

const roles = (instance: DatabaseInstance) => ({
  source: engine.source(instance),
  target: engine.target(instance),
  wayBack: engine.wayBack(instance),
});

/** Tickets go from agent to agent as JSON. */
const travelled = (ticket: FollowTicket): FollowTicket => JSON.parse(JSON.stringify(ticket));
