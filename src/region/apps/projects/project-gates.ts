import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../base/free-port.ts';
import { log } from '../../../base/log.ts';
import { Turns } from '../../../base/turns.ts';
import type { GateOrder } from '../../../drivers/gate/contract.ts';
import { gateDriverFor } from '../../../drivers/gate/drivers.ts';
import { type KeptGate, keepGate } from '../../../drivers/gate/keeper.ts';
import type { ContainerState } from '../../../drivers/runtime/projects.ts';
import type { AppDocument } from '../app-document.ts';
import type { AppStore } from '../app-store.ts';
import { digestOf } from '../canonical.ts';
import { frontNow } from './front.ts';
import { entriesOf, orderOf, webOf } from './gate-order.ts';

interface Kept {
  digest: string;
  gate: KeptGate;
}

/** The gates that stand before projects of containers, for as long as a migration needs them. */
export class ProjectGates {
  readonly #store: AppStore;
  /** Whatever the gate does, it goes on with it. */
  readonly #tellRouter: (app: string) => Promise<void>;
  readonly #kept = new Map<string, Kept>();
  readonly #told = new Map<string, string>();
  /** What goes in and what is taken out never overlap. */
  readonly #turns = new Turns();

  constructor(store: AppStore, tellRouter: (app: string) => Promise<void>) {
    this.#store = store;
    this.#tellRouter = tellRouter;
  }

  /** Each entry gets a port of the router's, and keeps it. Idempotent. */
  async open(app: string, states: ContainerState[]): Promise<void> {
    const { record, gatePorts, gateIn, front } = this.#store.get(app);
    const ports = { ...gatePorts };
    for (const { entries } of record.project!.services)
      for (const { name } of entries) ports[name] ??= await freePort();
    // As they are before anything of the app is stopped: later there may be nobody to ask.
    const fixed = gateIn ? front : frontNow(front, record.project!, states);
    this.#store.change(app, (draft) => void Object.assign(draft, { gateIn: true, gatePorts: ports, front: fixed }));
  }

  /** Traffic flows to the containers as before. Idempotent. */
  close(app: string): Promise<void> {
    return this.#turns.take(app, () => this.#close(app));
  }

  async #close(app: string): Promise<void> {
    const document = this.#store.get(app);
    if (!document.gateIn) return;
    await this.release(app);
    const order = orderOf(document, [], this.#folder(app));
    if (order) await gateDriverFor(order).remove(order);
    const { epoch } = this.#store.readEpoch(app);
    this.#store.change(app, (draft) => {
      draft.gateIn = false;
      // Where no switch has ever been made, nobody forwards to here.
      if (epoch === 0) draft.gatePorts = {};
    });
    await this.#tellRouter(app);
  }

  /** What would be inserted now. Undefined where nobody comes to the app. */
  orderFor(app: string, states: ContainerState[]): GateOrder | undefined {
    const document = this.#store.get(app);
    const { record, front, gateIn } = document;
    const names = record.project!.services.flatMap(({ entries }) => entries.map(({ name }) => name));
    const gatePorts = { ...Object.fromEntries(names.map((name) => [name, 1])), ...document.gatePorts };
    const now = gateIn ? front : frontNow(front, record.project!, states);
    return orderOf({ record, gatePorts, front: now }, states, this.#folder(app));
  }

  /** The router knows where the containers are now, and the rules before them lead to it. Resolves when they do. */
  keep(document: Readonly<AppDocument>, states: ContainerState[]): Promise<void> {
    return this.#turns.take(document.record.name, () => this.#keep(document, states));
  }

  async #keep(document: Readonly<AppDocument>, states: ContainerState[]): Promise<void> {
    const app = document.record.name;
    const upstreams = digestOf([entriesOf(document, states), webOf(document, states)]);
    if (this.#told.get(app) !== upstreams) {
      await this.#tellRouter(app);
      this.#told.set(app, upstreams);
    }
    // As it is now: it may have been taken out since somebody looked.
    const now = this.#store.find(app);
    const order = now?.gateIn ? orderOf(now, states, this.#folder(app)) : undefined;
    if (order) await this.#insert(app, order);
  }

  /** Nobody keeps it any more; what is inserted gives way by itself, unless the next agent goes on. */
  async release(app: string): Promise<void> {
    const kept = this.#kept.get(app);
    this.#kept.delete(app);
    this.#told.delete(app);
    await kept?.gate.release();
  }

  async #insert(app: string, order: GateOrder): Promise<void> {
    const digest = digestOf(order);
    const kept = this.#kept.get(app);
    if (kept?.digest === digest) return await kept.gate.inserted;
    await kept?.gate.release();
    mkdirSync(order.folder, { recursive: true, mode: 0o700 });
    const gate = keepGate(gateDriverFor(order), order);
    this.#kept.set(app, { digest, gate });
    await gate.inserted.catch(async (error) => {
      // The next look tries anew: what kept it out may have been mended by then.
      await gate.release();
      this.#kept.delete(app);
      log.error({ app, error: String(error) }, 'the gate could not be put before the app');
      throw error;
    });
  }

  readonly #folder = (app: string): string => join(this.#store.paths.folder(app), 'gate');
}
