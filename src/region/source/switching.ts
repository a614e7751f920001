import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { ForwardTarget } from '../../protocol/gate.ts';
import type { SwitchReport } from '../../protocol/migration.ts';
import type { MigrationRecord } from '../migrations/records.ts';
import { SwitchChannel } from '../switch/channel.ts';
import { confirmActive } from '../switch/confirm.ts';
import { performSwitch } from '../switch/source-switch.ts';
import { liveStores, type SourceSide, sealTheRest } from './source-side.ts';

/** Longest that the caller waits for the target's word after the decision; the telling itself goes on for ever. */
const confirmPatienceMs = 20_000;
/** Between two tries of what must be done in the end, milliseconds. */
const againMs = 1_000;

/** The switches of this agent: at most one at a time for each app, remembered, and settled after a crash. */
export class Switching {
  readonly #side: SourceSide;
  readonly #running = new Map<string, Promise<SwitchReport>>();
  /** What prepares a switch, by app: it and a switch are never at the same stores together. */
  readonly #preparing = new Map<string, Set<Promise<void>>>();
  readonly #confirming = new Map<string, Promise<void>>();
  /** Back-outs that are not complete: a database was away when its fence was to be taken down. By app. */
  readonly #settling = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(side: SourceSide) {
    this.#side = side;
  }

  /** @throws StorkyError switch_undecided when the target has not confirmed yet; asked again, it goes on waiting. */
  async switch(migration: string, epoch: number, budgetMs: number): Promise<SwitchReport> {
    const record = this.#side.records.get(migration, 'source');
    const done = record.switch;
    if (done?.epoch === epoch && done.stage !== 'started') return await this.#confirmed(record);
    let running = this.#running.get(record.app);
    if (!running) {
      running = this.#perform(record, epoch, budgetMs).finally(() => this.#running.delete(record.app));
      this.#running.set(record.app, running);
    }
    return await running;
  }

  running(app: string): boolean {
    return this.#running.has(app);
  }

  /**
   * What prepares a switch works with its connections: beside one it would take back locks and seal, and people would write
   * after the marker (invariant 2). A switch that begins waits until it is done. @throws StorkyError not_in_sync
   */
  async apart(app: string, prepare: () => Promise<void>): Promise<void> {
    if (this.running(app))
      throw new StorkyError('not_in_sync', { store: 'The source', detail: 'a switch is being made' });
    const mine = prepare();
    const all = this.#preparing.get(app) ?? new Set();
    this.#preparing.set(app, all.add(mine));
    await mine.finally(() => all.delete(mine));
  }

  /** At the agent's start (invariant 5): no passive record, then the source resumes; else the target is told to serve. */
  async settle(): Promise<void> {
    for (const record of this.#side.records.all('source')) {
      if (record.switch?.stage === 'started')
        await this.#settleOne(record).catch((error) => this.#settleLater(record, error));
      else if (record.switch?.stage === 'passive') void this.#confirm(record);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#running.values(), ...this.#confirming.values(), ...this.#settling.values()]);
  }

  async #perform(record: MigrationRecord, epoch: number, budgetMs: number): Promise<SwitchReport> {
    if (this.#isDecided(record, epoch)) return await this.#confirmed(this.#goOn(record, epoch));
    if (this.#settling.has(record.app))
      throw new StorkyError('not_in_sync', { store: 'The source', detail: 'the fence of the last try still stands' });
    await Promise.allSettled(this.#preparing.get(record.app) ?? []);
    const report = await this.#try(record, epoch, budgetMs).catch((error: unknown) => {
      if (!this.#isDecided(record, epoch)) throw error;
      // Past the point of no return nothing is an error of the switch any more: it goes on, whatever it met.
      log.warn({ app: record.app, epoch, detail: String(error) }, 'the switch is decided and goes on');
      return null;
    });
    if (report === null) return await this.#confirmed(this.#goOn(record, epoch));
    if (report.outcome === 'switched') return await this.#confirmed(this.#decided(record, epoch, report));
    if (!this.#settling.has(record.app)) this.#forget(record);
    return report;
  }

  async #try(record: MigrationRecord, epoch: number, budgetMs: number): Promise<SwitchReport> {
    const { home, records } = this.#side;
    const channel = await this.#openChannel(record);
    try {
      return await performSwitch({
        migration: record.migration,
        stream: record.stream,
        epoch,
        budgetMs,
        channel,
        peer: forwardTo(record, epoch),
        gate: home.gate(record.app),
        epochs: home.epochs(record.app),
        stores: await liveStores(this.#side, record),
        started: () =>
          void records.change(record.migration, 'source', (draft) => {
            draft.switch = { epoch, stage: 'started', report: null };
          }),
        stuck: (error) => this.#settleLater(records.get(record.migration, 'source'), error),
      });
    } finally {
      channel.close();
    }
  }

  #forget(record: MigrationRecord): void {
    this.#side.records.change(record.migration, 'source', (draft) => {
      draft.switch = null;
    });
  }

  #isDecided({ app, migration }: MigrationRecord, epoch: number): boolean {
    const known = this.#side.home.epochs(app).read();
    return known.role === 'passive' && known.epoch === epoch && known.migration === migration;
  }

  /** After the decision: durable first, then the gate, for as long as the router is away; the target is told by `#confirm`. */
  #goOn(record: MigrationRecord, epoch: number): MigrationRecord {
    const decided = this.#decided(record, epoch, null);
    void this.#untilDone(async () => void (await this.#side.home.gate(record.app).forward(forwardTo(record, epoch))));
    return decided;
  }

  #decided(record: MigrationRecord, epoch: number, report: SwitchReport | null): MigrationRecord {
    this.#side.home.setForward(record.app, forwardTo(record, epoch));
    return this.#side.records.change(record.migration, 'source', (draft) => {
      draft.switch = { epoch, stage: 'passive', report };
    });
  }

  async #confirmed(record: MigrationRecord): Promise<SwitchReport> {
    const waited = await Promise.race([
      this.#confirm(record).then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, confirmPatienceMs, false).unref()),
    ]);
    if (!waited) throw new StorkyError('switch_undecided', { app: record.app, region: record.peer.region });
    return this.#side.records.get(record.migration, 'source').switch!.report ?? lostReport(record.switch!.epoch);
  }

  #confirm(record: MigrationRecord): Promise<void> {
    if (record.switch?.stage === 'activated') return Promise.resolve();
    let confirming = this.#confirming.get(record.migration);
    if (!confirming) {
      confirming = this.#tellTarget(record).finally(() => this.#confirming.delete(record.migration));
      this.#confirming.set(record.migration, confirming);
    }
    return confirming;
  }

  async #tellTarget(record: MigrationRecord): Promise<void> {
    let channel: SwitchChannel | undefined;
    const reopen = async () => {
      if (!channel?.open) channel = await this.#openChannel(record);
      return channel;
    };
    await confirmActive(record.switch!.epoch, reopen, this.#stopping.signal);
    channel?.close();
    if (this.#stopping.signal.aborted) return;
    await sealTheRest(this.#side, record).catch((error) => {
      log.warn({ app: record.app, detail: String(error) }, 'a database that the app has left is not sealed yet');
      void this.#untilDone(() => sealTheRest(this.#side, record));
    });
    await this.#untilDone(async () => this.#activated(record));
    // The old processes have nothing to serve any more: their database is fenced and their gate forwards.
    void this.#side.home
      .reconcile(record.app)
      .catch((error) => log.warn({ app: record.app, detail: String(error) }, 'the old processes were not stopped yet'));
  }

  /** Where a full disk does not take it, it is written later: nobody waits for `#confirm` at the agent's start. */
  #activated({ migration }: MigrationRecord): void {
    if (!this.#side.records.find(migration, 'source')?.switch) return;
    this.#side.records.change(migration, 'source', (draft) => {
      draft.switch!.stage = 'activated';
    });
  }

  async #settleOne(record: MigrationRecord): Promise<void> {
    const { epoch } = record.switch!;
    if (this.#isDecided(record, epoch)) {
      log.warn({ app: record.app, epoch }, 'the switch was decided before this agent was killed: it goes on');
      return void this.#confirm(this.#goOn(record, epoch));
    }
    log.warn({ app: record.app, epoch }, 'the switch was not decided: the source resumes');
    for (const { store } of await liveStores(this.#side, record)) await store.unfence();
    await this.#side.home.gate(record.app).serve();
    this.#forget(record);
  }

  /** A database that is away keeps its seal, and the app its errors, until it is asked again. No switch begins meanwhile. */
  #settleLater(record: MigrationRecord, error: unknown): void {
    const { app } = record;
    if (this.#settling.has(app)) return;
    log.error({ app, detail: String(error) }, 'the source could not be given back all; it is tried until it can');
    const settling = this.#untilDone(() => this.#settleOne(record));
    this.#settling.set(
      app,
      settling.finally(() => this.#settling.delete(app)),
    );
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    for (const { signal } = this.#stopping; !signal.aborted; ) {
      try {
        return await work();
      } catch (error) {
        log.warn({ detail: String(error) }, 'tried again in a moment');
        await sleep(againMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #openChannel(record: MigrationRecord): Promise<SwitchChannel> {
    const { migration, peer, peerApp } = record;
    return new SwitchChannel(await this.#side.link.open(peer, { kind: 'switch', migration, app: peerApp }));
  }
}

const forwardTo = ({ peer, peerApp }: MigrationRecord, epoch: number): ForwardTarget => ({
  region: peer.region,
  host: peer.host,
  port: peer.ingressPort,
  app: peerApp,
  epoch,
});

/** The agent that measured was killed after the decision, so its figures are gone. */
const lostReport = (epoch: number): SwitchReport => ({
  epoch,
  outcome: 'switched',
  reason: 'the agent was killed in the switch; its figures are lost',
  freezeMs: 0,
  timings: {},
  held: 0,
  longestWaitMs: 0,
  refused: 0,
  stores: {},
});
