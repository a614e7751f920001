import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardTarget, Gate, GateMetrics, HoldLimits } from '../../protocol/gate.ts';
import type { Peers } from '../proxy/peers.ts';
import type { Upstream } from '../proxy/upstream.ts';
import { Upstreams } from '../proxy/upstreams.ts';
import { HoldTimer } from './hold-timer.ts';
import { LatencyWatch } from './latency.ts';
import { GateMachine, type Left, type LongLived, type Released } from './machine.ts';

/** What is kept on disk of a gate. */
export interface StoredGate {
  gate: Gate;
  /** While it holds: the end of the budget on the wall clock. */
  deadline: number;
}

export interface Surroundings {
  peers: Peers;
  /** The gate has changed by itself or by a call: what is on disk is old. */
  changed(): void;
  graceMs(): number;
}

/** Handshakes made before a gate holds, so that those who waited do not wait for them as well: a line of usual length. */
const warmConnections = 32;
/** For which `warm` waits at most, milliseconds. */
const warmMs = 1_000;

/** One app's gate at work: what the agent said of it, the line, the servers behind it, and the end of its hold. */
export class AppGate {
  config: Gate;
  readonly machine: GateMachine;
  readonly latency = new LatencyWatch();
  readonly upstreams = new Upstreams();
  readonly #entries = new Map<string, Upstreams>();
  requests = 0;
  failed = 0;
  /** Long-lived connections to other regions or by a preview host; no drain waits for them. */
  readonly passing = new Set<LongLived>();
  readonly #around: Surroundings;
  readonly #timer: HoldTimer;
  #deadline: number;

  constructor(stored: StoredGate, around: Surroundings) {
    this.config = stored.gate;
    this.#around = around;
    this.#deadline = stored.deadline;
    this.machine = new GateMachine(stored.gate.state, stored.gate.limits, setImmediate);
    this.#timer = new HoldTimer(stored.gate.app, {
      backOut: (to) => this.#backOut(to),
      refuseOverdue: () => this.machine.refuseOlder(performance.now() - this.config.limits.budgetMs),
      graceMs: () => around.graceMs(),
    });
    this.#setUpstreams();
    if (stored.gate.state === 'hold') this.#startTimer();
  }

  static create(gate: Gate, around: Surroundings): AppGate {
    return new AppGate({ gate, deadline: Date.now() + gate.limits.budgetMs }, around);
  }

  /** The router of the region to which this gate forwards. */
  get peer(): Upstream | undefined {
    return this.config.forward ? this.#around.peers.to(this.config.forward) : undefined;
  }

  /**
   * A target before its switch: it holds for everybody else. While a switch holds, nobody gets past (invariant 2), and
   * where the app serves, a request by a preview host is one like any other.
   */
  get letsPreviewsIn(): boolean {
    return this.config.state === 'hold' && this.config.epoch === null;
  }

  stored(): StoredGate {
    return { gate: this.config, deadline: this.#deadline };
  }

  /** The agent's word on everything. A hold that goes on keeps its deadline. */
  put(gate: Gate): void {
    const before = this.config;
    const goesOn = before.state === 'hold' && gate.state === 'hold' && before.epoch === gate.epoch;
    this.config = gate;
    this.#setUpstreams();
    this.machine.limits = gate.limits;
    if (goesOn) {
      // Its clock runs on.
    } else if (gate.state === 'hold') this.#hold();
    else this.#open(gate.state);
    this.#around.changed();
  }

  hasEntry(name: string | null): boolean {
    return name !== null && this.#entries.has(name);
  }

  /** Of an entry, where it has one of that name here. */
  upstreamsOf(entry: string | null): Upstreams {
    return (entry !== null && this.#entries.get(entry)) || this.upstreams;
  }

  /** A switch is near: opens the way to the other region before anybody has to go it. Whatever the gate does now, it goes on. */
  async warm(to: ForwardTarget): Promise<void> {
    this.config = { ...this.config, forward: to };
    this.#around.changed();
    await Promise.race([this.peer?.warm(warmConnections), sleep(warmMs, undefined, { ref: false })]);
  }

  setUpstreams(upstreams: string[], entries = this.config.entries): void {
    this.config = { ...this.config, upstreams, entries };
    this.#setUpstreams();
    this.#around.changed();
  }

  hold(limits: HoldLimits, epoch: number, epochFile: string): Left {
    this.config = { ...this.config, state: 'hold', limits, epoch, epochFile };
    this.#hold();
    this.#around.changed();
    return this.machine.remaining();
  }

  serve(): Released {
    this.config = { ...this.config, state: 'serve', epoch: null, epochFile: null };
    return this.#opened('serve');
  }

  forward(to: ForwardTarget): Released {
    this.config = { ...this.config, state: 'forward', forward: to, epoch: null, epochFile: null };
    return this.#opened('forward');
  }

  /** Resolves when nothing is left, or after `deadlineMs` with what is. */
  drain(deadlineMs: number): Promise<Left> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stop();
        resolve(this.machine.remaining());
      };
      const timer = setTimeout(() => end(), deadlineMs);
      let stop = () => {};
      stop = this.machine.drain(() => queueMicrotask(end));
    });
  }

  metrics(): GateMetrics {
    const { machine, requests, failed } = this;
    const { held, refused, forwarded, inFlight, waiting, longLived, longestWaitMs } = machine;
    return { requests, held, failed, refused, forwarded, inFlight, waiting, longLived, longestWaitMs };
  }

  /** The router ends: everybody with a connection for long is told to come back, those that pass through as well. */
  farewell(): void {
    this.machine.drain(() => {})();
    for (const connection of [...this.passing]) connection.reconnect();
  }

  /** The app is gone from this region. */
  close(): void {
    this.#timer.stop();
    this.machine.refuseOlder(Infinity);
    this.upstreams.close();
    for (const upstreams of this.#entries.values()) upstreams.close();
  }

  #setUpstreams(): void {
    const { upstreams, entries, stickySessions } = this.config;
    this.upstreams.set(upstreams, stickySessions);
    const gone = new Map(this.#entries);
    for (const { name, upstreams } of entries) {
      const known = this.#entries.get(name) ?? new Upstreams();
      this.#entries.set(name, known);
      known.set(upstreams, stickySessions);
      gone.delete(name);
    }
    for (const [name, upstreams] of gone) {
      this.#entries.delete(name);
      upstreams.close();
    }
  }

  #hold(): void {
    this.#deadline = Date.now() + this.config.limits.budgetMs;
    this.machine.hold(this.config.limits);
    this.#startTimer();
    // Again, for those that were lost meanwhile.
    void this.peer?.warm(warmConnections);
  }

  #opened(state: 'serve' | 'forward'): Released {
    const released = this.#open(state);
    this.#around.changed();
    return released;
  }

  #open(state: 'serve' | 'forward'): Released {
    this.#timer.stop();
    return this.machine.open(state, performance.now());
  }

  /** Invariant 4: nobody said that the switch happened, and the record does not say so either. */
  #backOut(to: 'serve' | 'forward'): void {
    const { forward } = this.config;
    if (to === 'serve') this.serve();
    else if (forward) this.forward(forward);
  }

  #startTimer(): void {
    const { limits, epoch, epochFile } = this.config;
    this.#timer.start({ budgetMs: limits.budgetMs, deadline: this.#deadline, epoch, epochFile });
  }
}
