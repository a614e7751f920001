import type { AppGate } from '../gate/app-gate.ts';
import type { Outcome, Waiter } from '../gate/machine.ts';
import { type Reply, replies } from './reply.ts';
import type { RequestHead } from './request-head.ts';
import type { Upstream } from './upstream.ts';

/** The app may be restarting: for this long a request that nobody has seen yet is tried again, milliseconds. */
const patienceMs = 5_000;
const pauseMs = 50;
/** Between two looks at a gate that would send a request back to where it comes from, milliseconds. */
const turnMs = 5;
/**
 * How often a request may be forwarded. Once is usual; once more for every switch that it meets on its way, which may be
 * several where an app is moved to and fro. More is a circle of gates that forward to each other.
 */
const maxHops = 8;

type Mode = 'none' | 'serve' | 'forward' | 'preview';

/** One request's way through a gate: the line, the choice of a server, and another try for as long as nothing was sent. */
export abstract class Passage implements Waiter {
  since = 0;
  waitingBytes = 0;
  /** The client is not there any more. */
  gone = false;
  protected mode: Mode = 'none';
  protected readonly gate: AppGate;
  protected readonly head: RequestHead;
  readonly #preview: boolean;
  #waiting = false;
  #pause: NodeJS.Timeout | undefined;
  #tries = 0;
  #giveUpAt = 0;

  constructor(gate: AppGate, head: RequestHead, preview: boolean) {
    this.gate = gate;
    this.head = head;
    this.#preview = preview;
  }

  /** Sends the request there. */
  protected abstract send(upstream: Upstream): void;
  /** The router's own answer, and the end of this passage. */
  protected abstract refuse(reply: Reply): void;

  enter(): void {
    if (this.#preview) return void this.settle('proceed-preview');
    if (this.#wouldGoBack) return void (this.#waitedEnough ? this.fail(replies.loop) : this.#later(turnMs));
    const outcome = this.gate.machine.arrive(this, performance.now());
    if (outcome === undefined) this.#waiting = true;
    else this.settle(outcome);
  }

  settle(outcome: Outcome | 'proceed-preview'): void {
    if (this.#waiting) this.#giveUpAt = 0;
    this.#waiting = false;
    if (outcome === 'refused-full') return void this.refuse(replies.full);
    if (outcome === 'refused-timeout') return void this.refuse(replies.tooLong);
    this.mode = outcome === 'proceed-serve' ? 'serve' : outcome === 'proceed-forward' ? 'forward' : 'preview';
    if (this.mode === 'forward' && this.head.hops >= maxHops) return void this.fail(replies.loop);
    this.#tries = 0;
    this.#attempt();
  }

  /** The client left: out of the line, or no further try. True where nothing is under way with a server. */
  protected abandon(): boolean {
    this.gone = true;
    if (this.#waiting) this.gate.machine.leave(this);
    clearTimeout(this.#pause);
    return this.mode === 'none';
  }

  /** Nothing of the request has left this router, so it can be sent again: to the next server, or in a moment. */
  protected unsent(): void {
    if (this.gone) return void this.over();
    if (this.mode !== 'forward' && ++this.#tries < this.#upstreams.size) return void this.#attempt();
    this.#giveUpAt ||= performance.now() + (this.mode === 'forward' ? this.gate.machine.limits.budgetMs : patienceMs);
    const stopped = this.mode !== 'forward' && this.#upstreams.size === 0;
    if (performance.now() >= this.#giveUpAt) return void this.fail(stopped ? replies.stopped : replies.unreachable);
    this.#later(pauseMs);
  }

  /** Counted as failed: an answer of 5xx that the router made. */
  protected fail(reply: Reply): void {
    this.gate.failed++;
    this.over();
    this.refuse(reply);
  }

  /** Whatever was proceeding is over; the gate must know exactly once. */
  protected over(): void {
    const { mode } = this;
    this.mode = 'none';
    if (mode === 'serve') this.gate.machine.served();
    else if (mode === 'forward') this.gate.machine.passedOn();
  }

  /** The request's headers for where it goes. */
  protected headers(): string[] {
    if (this.mode !== 'forward') return this.head.headers;
    const { forward, app } = this.gate.config;
    const ours = ['storky-forward-app', forward!.app, 'storky-forwarded-by', app];
    ours.push('storky-forward-epoch', String(forward!.epoch), 'storky-hops', String(this.head.hops + 1));
    if (this.head.entry !== null) ours.push('storky-forward-entry', this.head.entry);
    return [...this.head.headers, ...ours];
  }

  /** By way of the gate: it may hold by then, and what only waits must not keep a drain waiting. */
  #later(ms: number): void {
    this.over();
    this.#pause = setTimeout(() => this.enter(), ms);
  }

  /**
   * A rollback: the region that sends this became passive by a later switch than the one by which this region forwards, so
   * this one is about to serve. Sent back, it would only come again; so it waits here until the gate is told.
   */
  get #wouldGoBack(): boolean {
    const { forward, state } = this.gate.config;
    const { connection, forwardedBy, forwardEpoch } = this.head;
    const back = state === 'forward' && forward?.region === connection.peer && forward.app === forwardedBy;
    return back && forwardEpoch >= forward.epoch;
  }

  get #waitedEnough(): boolean {
    this.#giveUpAt ||= performance.now() + this.gate.machine.limits.budgetMs;
    return performance.now() >= this.#giveUpAt;
  }

  get #upstreams() {
    return this.gate.upstreamsOf(this.head.entry);
  }

  #attempt(): void {
    const upstream =
      this.mode === 'forward' ? this.gate.peer : this.#upstreams.pick(this.#tries === 0 ? this.head.cookie : null);
    if (upstream) this.send(upstream);
    else this.unsent();
  }
}
