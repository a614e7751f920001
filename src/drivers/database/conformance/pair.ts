import { randomUUID } from 'node:crypto';
import type { FollowTicket, SourceEndpoint, SourceStore, TargetStore, WayBack } from '../../store.ts';
import type { DatabaseInstance } from '../contract.ts';
import { never, Rig, soon } from './rig.ts';
import type { Items, Subject } from './subject.ts';
import { Tunnel } from './tunnel.ts';

/** One home of the app, with every role that a side can have. */
export interface Side {
  instance: DatabaseInstance;
  source: SourceStore;
  target: TargetStore;
  wayBack: WayBack;
  /** The way to it. */
  endpoint: SourceEndpoint;
}

interface Stream {
  id: string;
  ticket: FollowTicket;
}

/** Two homes of one app, and the streams between them as it goes to and fro. Everything is gone after `dispose`. */
export class Pair {
  readonly #rig: Rig;
  readonly #subject: Subject;
  readonly #tunnels: Tunnel[] = [];
  serving!: Side;
  copy!: Side;
  /** From the side that serves to its copy. */
  stream!: Stream;
  /** What the copy will keep for the side that serves now; see `prepareWayBack`. */
  back: Stream | undefined;
  epoch = 0;

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#rig = new Rig(subject);
  }

  /** The first move, up to where the copy is in sync and refuses writers. */
  async begin(): Promise<void> {
    this.serving = await this.#side('here');
    await this.#subject.prepare(this.serving.instance);
    const items = await this.items(this.serving);
    for (let id = 1; id <= 40; id++) await items.write(id, `before ${id}`);
    this.copy = await this.#side('there');
    const id = randomUUID();
    const { ticket } = await this.serving.source.open(id);
    this.stream = { id, ticket: travelled(ticket) };
    await this.copy.target.copy(id, this.stream.ticket, this.serving.endpoint, () => {}, never);
    await this.copy.target.standby();
    await this.follow();
  }

  follow(): Promise<void> {
    return this.copy.target.follow(this.stream.id, this.stream.ticket, this.serving.endpoint, never);
  }

  /** Invariant 7. Made again for every attempt. */
  async prepareWayBack(): Promise<void> {
    const id = this.back?.id ?? randomUUID();
    const ticket = travelled(await this.copy.source.openWayBack(id));
    this.back = { id, ticket };
    await this.serving.wayBack.prove(id, ticket, this.copy.endpoint, never);
  }

  /** Everything that happens before anything is held. */
  async makeReady(): Promise<void> {
    await this.copy.target.rehearse(this.stream.id, this.serving.endpoint, never);
    await this.serving.source.ready(this.stream.id);
  }

  /** Up to where the copy has everything, with the gate's part: `silent` is called once nothing is let in any more. */
  async freeze(silent: () => void = () => {}): Promise<string | null> {
    const { stream, serving, copy } = this;
    const epoch = ++this.epoch;
    const proof = Promise.withResolvers<string | null>();
    const applied = copy.target.applied(stream.id, epoch, soon(), proof.promise);
    applied.catch(() => {});
    await serving.source.fence(soon());
    silent();
    proof.resolve((await serving.source.mark(stream.id, epoch, soon())) ?? null);
    return (await applied).turn ?? null;
  }

  /** The roles are exchanged: what was the copy serves, and the side that served is sealed and will follow `stream`. */
  async decide(): Promise<Stream> {
    const done = this.stream;
    await this.serving.source.seal();
    await this.copy.target.activate(this.epoch);
    [this.serving, this.copy] = [this.copy, this.serving];
    this.stream = this.back!;
    this.back = undefined;
    return done;
  }

  beginWayBack(turn: string | null): Promise<void> {
    return this.copy.wayBack.begin(this.stream.id, this.stream.ticket, this.serving.endpoint, turn, never);
  }

  /** Takes away what the stream that a switch ended needed, on both sides. */
  async tidy(done: Stream): Promise<void> {
    await this.serving.target.close(done.id);
    await this.copy.source.close(done.id);
  }

  async differences(): Promise<string[]> {
    const { copy, stream, serving } = this;
    return (await copy.target.verify(stream.id, stream.ticket, serving.endpoint, () => {}, never)).differences;
  }

  items(side: Side): Promise<Items> {
    return this.#rig.items(side.instance);
  }

  /** As an agent that is killed and started again: what it kept in memory is gone. */
  async forget(side: Side): Promise<void> {
    await side.source[Symbol.asyncDispose]();
    await side.target[Symbol.asyncDispose]();
    Object.assign(side, this.#roles(side.instance));
  }

  /** Every connection between the two breaks; new ones get through. */
  cut(): void {
    for (const tunnel of this.#tunnels) tunnel.cut();
  }

  async dispose(): Promise<void> {
    for (const side of [this.serving, this.copy]) {
      await side?.source[Symbol.asyncDispose]();
      await side?.target[Symbol.asyncDispose]();
    }
    for (const tunnel of this.#tunnels) tunnel.close();
    await this.#rig.dispose();
  }

  async #side(name: string): Promise<Side> {
    const instance = await this.#rig.provision(name);
    return { instance, ...this.#roles(instance), endpoint: await this.#way(instance) };
  }

  #roles(instance: DatabaseInstance): Omit<Side, 'instance' | 'endpoint'> {
    const { engine } = this.#subject;
    return {
      source: engine.source(instance),
      target: engine.target(instance),
      wayBack: engine.wayBack(instance),
    };
  }

  async #way(instance: DatabaseInstance): Promise<SourceEndpoint> {
    if (this.#subject.endpoint) return this.#subject.endpoint(instance);
    const tunnel = await Tunnel.to(instance);
    this.#tunnels.push(tunnel);
    return tunnel;
  }
}

/** Tickets go from agent to agent as JSON. */
const travelled = (ticket: FollowTicket): FollowTicket => JSON.parse(JSON.stringify(ticket));
