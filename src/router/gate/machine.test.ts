import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HoldLimits } from '../../protocol/gate.ts';
import { GateMachine, type Outcome, type Waiter } from './machine.ts';

const limits: HoldLimits = { budgetMs: 1000, maxRequests: 5, maxBytes: 100 };

/** Runs deferred work when told to. */
function machine(state: 'serve' | 'hold' | 'forward' = 'serve') {
  const deferred: (() => void)[] = [];
  const gate = new GateMachine(state, limits, (work) => deferred.push(work));
  return {
    gate,
    runDeferred() {
      while (deferred.length > 0) deferred.shift()!();
    },
  };
}

class Visitor implements Waiter {
  since = 0;
  outcome: Outcome | undefined;
  readonly waitingBytes: number;
  readonly #settled: (visitor: Visitor) => void;
  constructor(bytes = 0, settled: (visitor: Visitor) => void = () => {}) {
    this.waitingBytes = bytes;
    this.#settled = settled;
  }
  settle(outcome: Outcome): void {
    expect(this.outcome, 'settled once').toBeUndefined();
    this.outcome = outcome;
    this.#settled(this);
  }
}

describe('the gate', () => {
  it('lets requests through while it serves, and counts them', () => {
    const { gate } = machine();
    expect(gate.arrive(new Visitor(), 0)).toBe('proceed-serve');
    expect(gate.inFlight).toBe(1);
    gate.served();
    expect(gate.remaining()).toEqual({ inFlight: 0, longLived: 0 });
  });

  it('says how many waited, and how long the first of them', () => {
    const { gate, runDeferred } = machine('hold');
    gate.arrive(new Visitor(), 10);
    gate.arrive(new Visitor(), 30);
    expect(gate.open('forward', 50)).toEqual({ released: 2, longestWaitMs: 40, refused: 0 });
    runDeferred();
    expect(gate.forwarding).toBe(2);
    expect(gate.waiting).toBe(0);
  });

  it('refuses when the line is full, by count and by bytes', () => {
    const { gate } = machine('hold');
    expect(gate.arrive(new Visitor(60), 0)).toBeUndefined();
    expect(gate.arrive(new Visitor(60), 0)).toBe('refused-full');
    expect(gate.arrive(new Visitor(40), 0)).toBeUndefined();
    for (let n = 0; n < 3; n++) expect(gate.arrive(new Visitor(), 0)).toBeUndefined();
    expect(gate.arrive(new Visitor(), 0)).toBe('refused-full');
    expect(gate.open('serve', 0)).toMatchObject({ released: 5, refused: 2 });
  });

  it('sends who comes while the line moves behind the line', () => {
    const { gate, runDeferred } = machine('hold');
    const order: Visitor[] = [];
    const first = new Visitor(0, (v) => order.push(v));
    const second = new Visitor(0, (v) => order.push(v));
    gate.arrive(first, 0);
    gate.open('serve', 1);
    expect(gate.arrive(second, 1)).toBeUndefined();
    runDeferred();
    expect(order).toEqual([first, second]);
  });

  it('stops the line where a new hold finds it', () => {
    const { gate, runDeferred } = machine('hold');
    const waiter = new Visitor();
    gate.arrive(waiter, 0);
    gate.open('serve', 1);
    gate.hold(limits);
    runDeferred();
    expect(waiter.outcome).toBeUndefined();
    expect(gate.inFlight).toBe(0);
    gate.open('forward', 2);
    runDeferred();
    expect(waiter.outcome).toBe('proceed-forward');
  });

  it('is idle when the last request has ended, long-lived connections included', () => {
    const { gate } = machine();
    let idle = 0;
    let told = 0;
    gate.arrive(new Visitor(), 0);
    gate.arrive(new Visitor(), 0);
    const socket = { reconnect: () => told++ };
    gate.stays(socket);
    gate.hold(limits);
    gate.drain(() => idle++);
    expect([told, idle]).toEqual([1, 0]);
    gate.served();
    expect(idle).toBe(0);
    gate.left(socket);
    expect(idle).toBe(1);
  });

  it('tells a connection that becomes long-lived during a drain at once', () => {
    const { gate } = machine();
    let told = 0;
    gate.arrive(new Visitor(), 0);
    gate.hold(limits);
    gate.drain(() => {});
    gate.stays({ reconnect: () => told++ });
    expect(told).toBe(1);
  });

  it('refuses only who has waited too long', () => {
    const { gate } = machine('hold');
    const [old, young] = [new Visitor(), new Visitor()];
    gate.arrive(old, 10);
    gate.arrive(young, 20);
    expect(gate.refuseOlder(15)).toBe(1);
    expect([old.outcome, young.outcome]).toEqual(['refused-timeout', undefined]);
  });

  it('whatever happens: nobody is lost or settled twice, order is kept, counts and bytes come back to zero', () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('arrive' as const), bytes: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ do: fc.constantFrom('leave', 'finish') as fc.Arbitrary<'leave' | 'finish'>, pick: fc.nat() }),
      fc.record({
        do: fc.constantFrom('hold', 'serve', 'forward', 'tick') as fc.Arbitrary<'hold' | 'serve' | 'forward' | 'tick'>,
      }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const { gate, runDeferred } = machine();
        let clock = 0;
        const arrived: Visitor[] = [];
        const settled: Visitor[] = [];
        const waiting = new Set<Visitor>();
        const going: Visitor[] = [];
        const proceed = (visitor: Visitor) => {
          waiting.delete(visitor);
          settled.push(visitor);
          going.push(visitor);
        };
        for (const step of actions) {
          clock++;
          if (step.do === 'arrive') {
            const visitor = new Visitor(step.bytes, proceed);
            const outcome = gate.arrive(visitor, clock);
            if (outcome === undefined) waiting.add(visitor);
            // Who came behind a line that still moved was not asked for room: a hold after that may begin with more.
            if (outcome === undefined && gate.state === 'hold')
              expect(gate.waitingBytes, 'room for who is let in').toBeLessThanOrEqual(limits.maxBytes);
            if (outcome === undefined) arrived.push(visitor);
            else if (outcome.startsWith('proceed')) {
              expect(waiting.size, 'nobody overtakes').toBe(0);
              visitor.outcome = outcome;
              going.push(visitor);
            } else expect(gate.state).toBe('hold');
          } else if (step.do === 'leave' && waiting.size > 0) {
            const visitor = [...waiting][step.pick % waiting.size]!;
            gate.leave(visitor);
            waiting.delete(visitor);
          } else if (step.do === 'finish' && going.length > 0) {
            const [visitor] = going.splice(step.pick % going.length, 1);
            if (visitor!.outcome === 'proceed-serve') gate.served();
            else gate.passedOn();
          } else if (step.do === 'hold') gate.hold(limits);
          else if (step.do === 'serve' || step.do === 'forward') gate.open(step.do, clock);
          else runDeferred();
          expect(gate.waiting).toBe(waiting.size);
          expect(gate.waitingBytes).toBe([...waiting].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0));
          expect(gate.inFlight + gate.forwarding).toBe(going.length);
        }
        gate.open('serve', clock);
        runDeferred();
        expect(waiting.size).toBe(0);
        expect(settled, 'in the order of arrival').toEqual(arrived.filter((visitor) => settled.includes(visitor)));
        for (const { outcome } of going.splice(0)) outcome === 'proceed-serve' ? gate.served() : gate.passedOn();
        expect([gate.inFlight, gate.forwarding, gate.waitingBytes]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
