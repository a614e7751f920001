import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { GateMetrics } from '../../protocol/gate.ts';
import type { Gates } from '../gates.ts';

/** The hot path counts in plain numbers; they become metrics only when somebody asks. */
export function metricsRegistry(gates: Gates): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  counter('requests', 'Requests that came to the gate.');
  counter('held', 'Requests that waited at the gate.');
  counter('failed', 'Requests that the router answered with 5xx because the app did not.');
  counter('refused', 'Requests refused because the line was full or the wait too long.');
  counter('forwarded', 'Requests sent on to another region.');
  gauge('inFlight', 'in_flight', 'Requests that are with the app.');
  gauge('waiting', 'waiting', 'Requests that wait at the gate.');
  gauge('longLived', 'long_lived', 'WebSockets and event streams.');
  gauge('longestWaitMs', 'longest_wait_ms', 'The longest wait at the gate, milliseconds.');
  return registry;

  function counter(key: keyof GateMetrics, help: string): void {
    const config = { name: `storky_gate_${key}_total`, help, labelNames: ['app'], registers: [registry] };
    new Counter({
      ...config,
      collect() {
        this.reset();
        for (const gate of gates.all()) this.inc({ app: gate.config.app }, gate.metrics()[key]);
      },
    });
  }

  function gauge(key: keyof GateMetrics, name: string, help: string): void {
    const config = { name: `storky_gate_${name}`, help, labelNames: ['app'], registers: [registry] };
    new Gauge({
      ...config,
      collect() {
        this.reset();
        for (const gate of gates.all()) this.set({ app: gate.config.app }, gate.metrics()[key]);
      },
    });
  }
}
