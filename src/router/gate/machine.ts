import type { GateState, HoldLimits } from '../../protocol/gate.ts';

/** How a request's wait ends. A proceeding request was already counted: the caller must tell when it is over. */
export type Outcome = 'proceed-serve' | 'proceed-forward' | 'refused-full' | 'refused-timeout';

/** One request in the line. */
export interface Waiter {
  /** Bytes of its body that memory may hold while it waits. */
  waitingBytes: number;
  /** Monotonic milliseconds; set on arrival. */
  since: number;
  settle(outcome: Outcome): void;
}

/** A connection that does not end by itself: a WebSocket, an event stream. */
export interface LongLived {
  reconnect(): void;
}

export interface Released {
  released: number;
  longestWaitMs: number;
  refused: number;
}

export interface Left {
  inFlight: number;
  longLived: number;
}

/** How many of the line go on before other work gets its turn. */
const batch = 64;

/**
 * One app's gate: serve, hold or forward; the line of those that wait, in the order of their arrival; and how many are
 * with the app. It knows nothing of HTTP, clocks or files.
 */
export class GateMachine {
  state: GateState;
  limits: HoldLimits;
  inFlight = 0;
  forwarding = 0;
  held = 0;
  refused = 0;
  forwarded = 0;
  longestWaitMs = 0;
  readonly #line = new Set<Waiter>();
  readonly #longLived = new Set<LongLived>();
  readonly #idle = new Set<() => void>();
  readonly #defer: (work: () => void) => void;
  #bytes = 0;
  #draining = false;
  #releasing = false;
  #refusedInHold = 0;

  /** `defer` runs work soon, after what runs now: the answer to the agent goes out before the line moves. */
  constructor(state: GateState, limits: HoldLimits, defer: (work: () => void) => void) {
    this.state = state;
    this.limits = limits;
    this.#defer = defer;
  }

  get waiting(): number {
    return this.#line.size;
  }

  get waitingBytes(): number {
    return this.#bytes;
  }

  get longLived(): number {
    return this.#longLived.size;
  }

  /** The outcome at once, or undefined: the waiter is in the line and will be settled. */
  arrive(waiter: Waiter, now: number): Outcome | undefined {
    if (this.state !== 'hold' && this.#line.size === 0) return this.#proceed();
    // The line is still moving after a hold: who comes now goes behind it, whatever its length.
    if (this.state === 'hold' && this.#full(waiter)) return this.#refuse('refused-full');
    waiter.since = now;
    this.held++;
    this.#bytes += waiter.waitingBytes;
    this.#line.add(waiter);
    return undefined;
  }

  /** The client left while it waited. */
  leave(waiter: Waiter): void {
    if (this.#line.delete(waiter)) this.#bytes -= waiter.waitingBytes;
  }

  /** The app's answer was received to its end, or cannot come any more. */
  served(): void {
    this.inFlight--;
    this.#tellIdle();
  }

  /** A request that was forwarded is over. Nothing here waits for it: it is in flight where it was sent. */
  passedOn(): void {
    this.forwarding--;
  }

  /** A request in flight turns out to be one that never ends. Told at once when a drain is under way (invariant 9). */
  stays(connection: LongLived): void {
    this.inFlight--;
    this.#longLived.add(connection);
    if (this.#draining) connection.reconnect();
  }

  left(connection: LongLived): void {
    if (this.#longLived.delete(connection)) this.#tellIdle();
  }

  hold(limits: HoldLimits): void {
    this.limits = limits;
    if (this.state !== 'hold') this.#refusedInHold = 0;
    this.state = 'hold';
    this.#draining = false;
  }

  /** Lets the line go where `state` says, in its order. */
  open(state: 'serve' | 'forward', now: number): Released {
    this.state = state;
    this.#draining = false;
    let longestWaitMs = 0;
    for (const { since } of this.#line) longestWaitMs = Math.max(longestWaitMs, now - since);
    this.longestWaitMs = Math.max(this.longestWaitMs, longestWaitMs);
    const released = { released: this.#line.size, longestWaitMs, refused: this.#refusedInHold };
    this.#refusedInHold = 0;
    this.#moveSoon();
    return released;
  }

  /** Refuses who waits since `since` or longer. */
  refuseOlder(since: number): number {
    let count = 0;
    for (const waiter of this.#line) {
      if (waiter.since > since) break;
      this.leave(waiter);
      this.#refuse('refused-timeout');
      waiter.settle('refused-timeout');
      count++;
    }
    return count;
  }

  /** Tells long-lived connections to reconnect and calls back when nothing is left; gives a way to stop listening. */
  drain(idle: () => void): () => void {
    this.#draining = this.state === 'hold';
    for (const connection of [...this.#longLived]) connection.reconnect();
    this.#idle.add(idle);
    this.#tellIdle();
    return () => void this.#idle.delete(idle);
  }

  remaining(): Left {
    return { inFlight: this.inFlight, longLived: this.#longLived.size };
  }

  #full({ waitingBytes }: Waiter): boolean {
    return this.#line.size >= this.limits.maxRequests || this.#bytes + waitingBytes > this.limits.maxBytes;
  }

  #refuse(outcome: 'refused-full' | 'refused-timeout'): Outcome {
    this.refused++;
    this.#refusedInHold++;
    return outcome;
  }

  #proceed(): Outcome {
    if (this.state === 'serve') {
      this.inFlight++;
      return 'proceed-serve';
    }
    this.forwarding++;
    this.forwarded++;
    return 'proceed-forward';
  }

  #moveSoon(): void {
    if (this.#releasing || this.#line.size === 0) return;
    this.#releasing = true;
    this.#defer(() => {
      this.#releasing = false;
      this.#move();
    });
  }

  /** A hold that comes while the line moves stops it where it is. */
  #move(): void {
    let moved = 0;
    for (const waiter of this.#line) {
      if (this.state === 'hold' || moved++ >= batch) break;
      this.leave(waiter);
      waiter.settle(this.#proceed());
    }
    if (this.state !== 'hold') this.#moveSoon();
  }

  #tellIdle(): void {
    if (this.inFlight > 0 || this.#longLived.size > 0 || this.#idle.size === 0) return;
    const listeners = [...this.#idle];
    this.#idle.clear();
    for (const listener of listeners) listener();
  }
}
