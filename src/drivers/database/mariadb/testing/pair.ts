import { randomUUID } from 'node:crypto';
import type { FollowTicket, SourceStore, TargetStore, WayBack } from '../../../store.ts';
import { Tunnel } from '../../conformance/tunnel.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { never, type Servers, soon } from './servers.ts';

interface Side {
  instance: DatabaseInstance;
  source: SourceStore;
  target: TargetStore;
  wayBack: WayBack;
  /** Leads to this side. */
  tunnel: Tunnel;
}

interface Stream {
  id: string;
  ticket: FollowTicket;
  turn: string | null;
}

/** Two servers between which an app goes to and fro: `serves` has it, `other` is or becomes the copy. */
export class Pair {
  serves: Side;
  other: Side;
  /** Which brings the copy up to date. */
  stream!: Stream;
  /** Which will bring the old side up to date after the switch. */
  back!: Stream;
  epoch = 0;

  private constructor(serves: Side, other: Side) {
    this.serves = serves;
    this.other = other;
  }

  static async of(servers: Servers): Promise<Pair> {
    const side = async (name: string) => {
      const instance = await servers.provision(name);
      return { ...roles(instance), instance, tunnel: await Tunnel.to(instance) };
    };
    return new Pair(await side('a'), await side('b'));
  }

  async copy(): Promise<void> {
    const { source, tunnel } = this.serves;
    const id = randomUUID();
    const { ticket } = await source.open(id);
    this.stream = { id, ticket: passed(ticket), turn: null };
    await this.other.target.copy(id, ticket, tunnel, () => {}, never);
    await this.other.target.standby();
    await this.other.target.follow(id, ticket, tunnel, never);
  }

  /** Everything that is made before a switch, and made again for each new attempt. */
  async prepare(id = this.back?.id ?? randomUUID()): Promise<void> {
    const { serves, other, stream } = this;
    await other.target.standby();
    const ticket = passed(await other.source.openWayBack(id));
    this.back = { id, ticket, turn: null };
    await serves.wayBack.prove(id, ticket, other.tunnel, never);
    await other.target.rehearse(stream.id, serves.tunnel, never);
    await serves.source.ready(stream.id);
  }

  /** Up to the moment in which both know that everything is applied; nothing is opened yet. */
  async freeze(): Promise<void> {
    const { serves, other, stream } = this;
    this.epoch++;
    const proof = Promise.withResolvers<string | null>();
    const applied = other.target.applied(stream.id, this.epoch, soon(), proof.promise);
    applied.catch(() => {});
    await serves.source.fence(soon());
    proof.resolve((await serves.source.mark(stream.id, this.epoch, soon())) ?? null);
    this.back.turn = (await applied).turn ?? null;
  }

  /** Afterwards the other serves, and nothing follows yet. */
  async turnOver(): Promise<void> {
    await this.freeze();
    await this.serves.source.seal();
    await this.other.target.activate(this.epoch);
    [this.serves, this.other] = [this.other, this.serves];
  }

  /** The old side follows: `stream` is now what was the way back. */
  async begin(): Promise<void> {
    const { id, ticket, turn } = this.back;
    await this.other.wayBack.begin(id, ticket, this.serves.tunnel, turn, never);
    this.old = this.stream;
    this.stream = this.back;
    this.back = undefined as unknown as Stream;
    await this.follow();
  }

  /** The stream that the last switch ended. */
  old!: Stream;

  follow(): Promise<void> {
    return this.other.target.follow(this.stream.id, this.stream.ticket, this.serves.tunnel, never);
  }

  async tidy(id: string): Promise<void> {
    await this.serves.target.close(id);
    await this.other.source.close(id);
  }

  /** Resolves when all that was written until now is on the other side too. */
  async caughtUp(): Promise<void> {
    await this.other.target.rehearse(this.stream.id, this.serves.tunnel, never);
  }

  async differences(): Promise<string[]> {
    const { id, ticket } = this.stream;
    return (await this.other.target.verify(id, ticket, this.serves.tunnel, () => {}, never)).differences;
  }

  /** As after the death of a side's agent. */
  async forget(side: Side): Promise<void> {
    await Promise.all([side.source[Symbol.asyncDispose](), side.target[Symbol.asyncDispose]()]);
    Object.assign(side, roles(side.instance));
  }

  async dispose(): Promise<void> {
    for (const { source, target, tunnel } of [this.serves, this.other]) {
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      tunnel.close();
    }
  }
}

const roles = (instance: DatabaseInstance) => ({
  source: engine.source(instance),
  target: engine.target(instance),
  wayBack: engine.wayBack(instance),
});

/** As it arrives over there. */
const passed = (ticket: FollowTicket) => JSON.parse(JSON.stringify(ticket)) as FollowTicket;
