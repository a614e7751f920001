import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../base/free-port.ts';
import { log } from '../../base/log.ts';
import type { DatabaseInstance } from '../../drivers/database/contract.ts';
import type { Addon } from '../../protocol/app-record/process.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { AppDocument, Loan, RemoteAddon } from './app-document.ts';
import type { AppStore } from './app-store.ts';

/** How an addon in another region is reached, and that it is needed no more. */
export interface RemoteWay {
  /** Its port on loopback leads there from now on. Every connection dials anew. */
  open(remote: RemoteAddon): Promise<{ close(): Promise<void> }>;
  /** Proves that the other region lets us in. */
  prove(remote: RemoteAddon): Promise<void>;
  giveBack(remote: RemoteAddon): Promise<void>;
}

type Port = Awaited<ReturnType<RemoteWay['open']>>;

/** Between two tries of a port that somebody else has, milliseconds. */
const againMs = 1_000;

/** The addons that apps of this region use in others. Each keeps its port for as long as it is used, over every restart. */
export class RemoteAddons {
  readonly #store: AppStore;
  readonly #way: RemoteWay;
  readonly #ports = new Map<string, Port>();
  readonly #closing = new AbortController();

  constructor(store: AppStore, way: RemoteWay) {
    this.#store = store;
    this.#way = way;
  }

  of(app: string): readonly RemoteAddon[] {
    return this.#store.get(app).remotes;
  }

  /** Which apps of other regions use what addons of this one. Durable when `changeLoans` returns. */
  loans(app: string): readonly Loan[] {
    return this.#store.find(app)?.loans ?? [];
  }

  changeLoans(app: string, change: (loans: readonly Loan[]) => Loan[]): void {
    if (!this.#store.find(app)) return;
    this.#store.change(app, (draft) => {
      draft.loans = change(draft.loans);
    });
  }

  /** At the agent's start, before anything runs. A port that is taken is waited for: the app's url names it. */
  async open(): Promise<void> {
    const { documents } = this.#store.all();
    await Promise.all(
      documents.flatMap(({ record, remotes }) => remotes.map((remote) => this.#open(record.name, remote))),
    );
  }

  /** The app gets the addon under a port of this region. Idempotent: it keeps the port that it has. */
  async use(app: string, addon: Addon, wanted: Omit<RemoteAddon, 'port'>): Promise<void> {
    const known = this.#store.get(app).remotes.find((remote) => remote.addon === addon.name);
    const remote = { ...wanted, port: known?.port ?? (await freePort()) };
    await this.#way.prove(remote);
    if (known?.migration === wanted.migration && this.#ports.has(key(app, known))) return;
    await this.#close(app, addon.name);
    const opened = await this.#way.open(remote);
    this.#ports.set(key(app, remote), opened);
    this.#store.change(app, (draft) => {
      draft.remotes = [...others(draft.remotes, addon.name), remote];
      draft.record.addons = [...draft.record.addons.filter(({ name }) => name !== addon.name), addon];
    });
  }

  /** The app loses the way; the data are the other region's. Idempotent. */
  async drop(app: string, addon: string): Promise<void> {
    await this.#close(app, addon);
    if (!this.#store.get(app).remotes.some((remote) => remote.addon === addon)) return;
    this.#store.change(app, (draft) => {
      draft.remotes = others(draft.remotes, addon);
      const isHere = draft.instances.some((instance) => instance.addon === addon);
      if (!isHere) draft.record.addons = draft.record.addons.filter(({ name }) => name !== addon);
    });
  }

  /** With the app itself: the other region may forget that it was lent. One that is away must not keep the app from going. */
  async giveBackAll(app: string): Promise<void> {
    for (const remote of this.#store.get(app).remotes) {
      await this.#way.giveBack(remote).catch((error: unknown) => {
        const { peer, addon } = remote;
        log.warn(
          { app, addon, region: peer.region, detail: String(error) },
          'the other region still counts it as used',
        );
      });
      await this.drop(app, remote.addon);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#ports.values()].map((port) => port.close()));
    this.#ports.clear();
  }

  async #open(app: string, remote: RemoteAddon): Promise<void> {
    try {
      this.#ports.set(key(app, remote), await this.#way.open(remote));
    } catch (error) {
      log.error({ app, addon: remote.addon, port: remote.port, detail: String(error) }, 'the addon is not reached yet');
      void this.#openLater(app, remote);
    }
  }

  async #openLater(app: string, remote: RemoteAddon): Promise<void> {
    const { signal } = this.#closing;
    await sleep(againMs, undefined, { signal, ref: false }).catch(() => {});
    const wanted = this.#store
      .find(app)
      ?.remotes.some(({ addon, port }) => addon === remote.addon && port === remote.port);
    if (!signal.aborted && wanted && !this.#ports.has(key(app, remote))) await this.#open(app, remote);
  }

  async #close(app: string, addon: string): Promise<void> {
    const opened = this.#ports.get(key(app, { addon }));
    this.#ports.delete(key(app, { addon }));
    await opened?.close();
  }
}

const key = (app: string, { addon }: { addon: string }): string => `${app}/${addon}`;
const others = (remotes: RemoteAddon[], addon: string) => remotes.filter((remote) => remote.addon !== addon);

/** Every database of the app under the address by which the app reaches it from here. */
export function reachedFrom({ record, instances, remotes }: Readonly<AppDocument>): DatabaseInstance[] {
  const remote = remotes.map(({ peer: _, peerApp: __, migration: ___, ...names }) => ({
    ...names,
    ...{ app: record.name, host: '127.0.0.1', adminUser: '', adminPassword: '', folder: '' },
  }));
  // Of one that was left behind there may be an old copy here, which nobody uses.
  const here = instances.filter(({ addon }) => !remotes.some((remote) => remote.addon === addon));
  return [...here, ...remote];
}

/** What an agent without a link to others can do. */
export const noWay: RemoteWay = {
  open: () => Promise.reject(unlinked()),
  prove: () => Promise.reject(unlinked()),
  giveBack: () => Promise.reject(unlinked()),
};

const unlinked = () => new StorkyError('internal', { detail: 'this agent has no link to other regions' });
