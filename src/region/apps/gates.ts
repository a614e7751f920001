import type { EntryPort, EpochRecord, Gate, GateState } from '../../protocol/gate.ts';
import type { AppDocument } from './app-document.ts';
import type { AppStore } from './app-store.ts';
import { digestOf } from './canonical.ts';
import type { GateControl } from './gate-control.ts';
import { type HostNames, hostsOf, previewHost } from './hosts.ts';

/** Who answers behind the gate. */
export interface Behind {
  upstreams: string[];
  entries: EntryPort[];
}

/** The gate as the document and the epoch say it should be. A target before its switch holds, and lets only previews in. */
export function gateOf(document: AppDocument, epoch: EpochRecord, behind: Behind, domain: string): Gate {
  const { record, forward } = document;
  const state = stateOf(epoch, forward !== null);
  return {
    app: record.name,
    hosts: hostsOf(record, domain),
    previewHosts: [previewHost(record.name, domain)],
    ...behind,
    state,
    forward: epoch.role === 'passive' ? forward : null,
    limits: limits(state === 'hold' ? patienceMs : 10_000),
    epoch: null,
    epochFile: null,
    forceHttps: record.settings.forceHttps,
    canonicalHost: record.settings.canonicalDomain,
    stickySessions: record.settings.stickySessions,
  };
}

/** A gate that holds for no switch is the only way: who comes there waits as long as clients usually do. */
const patienceMs = 30_000;
const limits = (budgetMs: number) => ({ budgetMs, maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 });

function stateOf({ role }: EpochRecord, forwards: boolean): GateState {
  if (role === 'active') return 'serve';
  return forwards ? 'forward' : 'hold';
}

/** Keeps this region's router told of the apps. */
export class Gates {
  readonly #router: GateControl;
  readonly #store: AppStore;
  readonly #names: HostNames;
  readonly #behind: (app: string) => Behind;
  #certificates: string | undefined;

  constructor(router: GateControl, store: AppStore, names: HostNames, behind: (app: string) => Behind) {
    this.#router = router;
    this.#store = store;
    this.#names = names;
    this.#behind = behind;
  }

  desired(app: string): Gate {
    return gateOf(this.#store.get(app), this.#store.readEpoch(app), this.#behind(app), this.#names.domain);
  }

  async show(app: string): Promise<void> {
    await this.#router.put(this.desired(app));
    await this.showCertificates();
  }

  /** Of all apps; the router forgets those that are not in the list. */
  async showCertificates(): Promise<void> {
    const domains = this.#store.all().documents.flatMap(({ record }) => record.domains);
    const certificates = domains.flatMap(({ name, certificate, key }) =>
      certificate !== null && key !== null ? [{ host: name, cert: certificate, key }] : [],
    );
    const digest = digestOf(certificates);
    if (digest === this.#certificates) return;
    await this.#router.certificates?.(certificates);
    this.#certificates = digest;
  }

  /**
   * At the agent's start. The router has restored its gates by itself; one that holds may be in the middle of a switch,
   * which only its settlement may end (invariant 5), so it is left alone. Where the switch was made and its end recorded,
   * a router whose memory is older than that, after a crash of the host, holds for nothing. `closed`: active already, but
   * its stores are not open to writers yet, so whoever was let in would meet errors; the gate holds until they are.
   */
  async restore(app: string, closed: boolean): Promise<void> {
    if (closed)
      return void (await this.#router.put({ ...this.desired(app), state: 'hold', limits: limits(patienceMs) }));
    const known = await this.#known(app);
    const { role, epoch } = this.#store.readEpoch(app);
    const made = role === 'passive' && epoch >= (known?.epoch ?? 0) && this.#store.get(app).forward !== null;
    if (known?.state === 'hold' && known.epoch !== null && !made) return await this.showBehind(app);
    await this.show(app);
  }

  /** Who answers now. Whatever the gate does, it goes on with it. */
  async showBehind(app: string): Promise<void> {
    const { upstreams, entries } = this.#behind(app);
    await this.#router.upstreams(app, upstreams, entries);
  }

  async current(app: string): Promise<Gate> {
    return (await this.#known(app)) ?? this.desired(app);
  }

  async remove(app: string): Promise<void> {
    await this.#router.remove(app);
  }

  async #known(app: string): Promise<Gate | undefined> {
    const { gates } = await this.#router.status();
    return gates.find((gate) => gate.app === app);
  }

  previewUrl(app: string): string {
    return this.#names.publicUrl(previewHost(app, this.#names.domain));
  }
}
