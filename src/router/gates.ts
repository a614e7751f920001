import { StorkyError } from '../protocol/errors.ts';
import type { Gate } from '../protocol/gate.ts';
import { AppGate, type StoredGate, type Surroundings } from './gate/app-gate.ts';

export interface Route {
  gate: AppGate;
  /** A preview host: to the processes, whatever the gate's state. */
  preview: boolean;
}

/** All gates of the region, by app and by host name. */
export class Gates {
  readonly #region: string;
  readonly #around: Surroundings;
  readonly #byApp = new Map<string, AppGate>();
  #byHost = new Map<string, Route>();

  constructor(region: string, around: Surroundings) {
    this.#region = region;
    this.#around = around;
  }

  restore(stored: StoredGate[]): void {
    for (const one of stored) this.#byApp.set(one.gate.app, new AppGate(one, this.#around));
    this.#route();
  }

  stored(): StoredGate[] {
    return [...this.#byApp.values()].map((gate) => gate.stored());
  }

  all(): AppGate[] {
    return [...this.#byApp.values()];
  }

  find(app: string): AppGate | undefined {
    return this.#byApp.get(app);
  }

  get(app: string): AppGate {
    const gate = this.#byApp.get(app);
    if (!gate) throw new StorkyError('unknown_app', { app, region: this.#region });
    return gate;
  }

  route(host: string): Route | undefined {
    return this.#byHost.get(host);
  }

  put(gate: Gate): void {
    const known = this.#byApp.get(gate.app);
    if (known) known.put(gate);
    else {
      this.#byApp.set(gate.app, AppGate.create(gate, this.#around));
      this.#around.changed();
    }
    this.#route();
  }

  remove(app: string): void {
    const gate = this.#byApp.get(app);
    if (!gate) return;
    this.#byApp.delete(app);
    this.#route();
    gate.close();
    this.#around.changed();
  }

  /** The router ends: nobody can wait here any longer. */
  refuseWaiting(): void {
    for (const gate of this.#byApp.values()) gate.machine.refuseOlder(Infinity);
  }

  farewell(): void {
    for (const gate of this.#byApp.values()) gate.farewell();
  }

  close(): void {
    for (const gate of this.#byApp.values()) gate.close();
  }

  /** Of two apps that claim one name, the first that was put keeps it. */
  #route(): void {
    const routes = new Map<string, Route>();
    for (const gate of this.#byApp.values()) {
      for (const host of gate.config.hosts) if (!routes.has(host)) routes.set(host, { gate, preview: false });
      for (const host of gate.config.previewHosts) if (!routes.has(host)) routes.set(host, { gate, preview: true });
    }
    this.#byHost = routes;
  }
}
