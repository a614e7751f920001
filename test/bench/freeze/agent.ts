import { keepHeapSmall } from '../../../src/base/heap.ts';
import type { DatabaseInstance } from '../../../src/drivers/database/contract.ts';
import { engine } from '../../../src/drivers/database/postgres/engine.ts';
import type { EpochRecord, ForwardTarget, Gate } from '../../../src/protocol/gate.ts';
import type { SwitchReport } from '../../../src/protocol/migration.ts';
import type { RegionAddress } from '../../../src/protocol/region-contract.ts';
import { startListener } from '../../../src/region/agent/listener.ts';
import { readEpoch, recordEpoch } from '../../../src/region/apps/epoch-file.ts';
import { gateOf } from '../../../src/region/apps-home.ts';
import { answerJson } from '../../../src/region/link/handlers.ts';
import { LinkClient } from '../../../src/region/link/link-client.ts';
import { LinkServer } from '../../../src/region/link/link-server.ts';
import type { Identity } from '../../../src/region/link/tls.ts';
import { openTunnel, serveTunnel, type Tunnel } from '../../../src/region/link/tunnel.ts';
import { SwitchChannel } from '../../../src/region/switch/channel.ts';
import { confirmActive } from '../../../src/region/switch/confirm.ts';
import type { AppGate, Epochs } from '../../../src/region/switch/parts.ts';
import { performSwitch } from '../../../src/region/switch/source-switch.ts';
import { answerSwitch } from '../../../src/region/switch/target-switch.ts';
import { RouterClient } from '../../../src/router/client.ts';
import { serve } from '../child.ts';

export interface AgentOptions {
  identity: Identity;
  instance: DatabaseInstance;
  routerSocket: string;
  epochFile: string;
  /** `host:port` of the app's process here. */
  upstream: string;
}

keepHeapSmall();

const app = 'shop';
const store = 'db';
let options: AgentOptions;
let peer: RegionAddress;
let migration: string;
let router: RouterClient;
let gate: AppGate;
let epochs: Epochs;
let link: LinkClient;
let tunnel: Tunnel | undefined;
let endpoint: { host: string; port: number; openStream(): Promise<never> };
let source: ReturnType<typeof engine.source>;
let target: ReturnType<typeof engine.target>;

/** What a real agent writes down before the freeze, and where it goes on after a switch that backed out badly. */
const told = {
  started: () => {},
  stuck: (error: unknown) => {
    throw error;
  },
};

/** The part of an agent that switches, between real links, routers and databases. The steps around it are the bench's. */
const api = {
  async start(given: AgentOptions, epoch: EpochRecord): Promise<number> {
    options = given;
    const { identity, instance, routerSocket, epochFile } = options;
    recordEpoch(epochFile, epoch);
    router = new RouterClient(routerSocket);
    gate = gateOf(router, app, epochFile);
    epochs = { file: epochFile, read: () => readEpoch(epochFile), record: (record) => recordEpoch(epochFile, record) };
    link = new LinkClient(identity);
    source = engine.source(instance);
    target = engine.target(instance);
    const server = new LinkServer({ region: identity.name, authorise: () => {}, handlers });
    const unused = async () => {};
    const listen = { host: '127.0.0.1', port: 0 };
    return (await startListener({ identity, listen, router: {}, link: server, receiveBuild: unused })).port;
  },
  meet(address: RegionAddress): void {
    peer = address;
  },
  showGate: (state: Gate['state']): Promise<unknown> =>
    router.put({
      app,
      hosts: ['shop.test'],
      previewHosts: ['preview.test'],
      upstreams: [options.upstream],
      entries: [],
      state,
      forward: null,
      limits: { budgetMs: 10_000, maxRequests: 10_000, maxBytes: 64 * 1024 ** 2 },
      epoch: null,
      epochFile: null,
      forceHttps: false,
      canonicalHost: null,
      stickySessions: false,
    }),

  /** What is left of the last move, in which this side was the source, or the target. */
  async forgetSource(): Promise<void> {
    await source.close(migration);
    await source.unfence();
  },
  async forgetTarget(): Promise<void> {
    await target.close(migration);
    await tunnel?.close();
  },

  async openSource(id: string): Promise<void> {
    migration = id;
    await source.open(migration);
  },
  async followSource(id: string): Promise<void> {
    migration = id;
    const hello = { migration, app, store };
    const signal = AbortSignal.timeout(60_000);
    tunnel = await openTunnel({ link, address: peer, hello: { kind: 'tunnel', ...hello } });
    endpoint = { host: tunnel.host, port: tunnel.port, openStream: () => Promise.reject(new Error('not needed')) };
    const ticket = await link.openJson<Record<string, unknown>>(peer, { kind: 'ticket', ...hello });
    await target.copy(migration, ticket, endpoint, () => {}, signal);
    await target.standby();
    await target.follow(migration, ticket, endpoint, signal);
  },
  async rehearse(): Promise<void> {
    await target.rehearse(migration, endpoint, AbortSignal.timeout(60_000));
  },

  /** The source's part, as the agent does it. Gives what the switch reports, and the round trip before it. */
  async switch(epoch: number): Promise<{ report: SwitchReport; roundTripMs: number }> {
    const channel = new SwitchChannel(await link.open(peer, { kind: 'switch', migration, app }));
    try {
      await source.ready(migration);
      const roundTripMs = await channel.roundTrip();
      const to: ForwardTarget = { region: peer.region, host: peer.host, port: peer.ingressPort, app, epoch: 1 };
      const order = {
        migration,
        stream: migration,
        epoch,
        budgetMs: 10_000,
        peer: to,
        gate,
        epochs,
        channel,
        started: () => {},
        stuck: () => {},
      };
      const report = await performSwitch({ ...order, stores: [{ name: store, store: source }], ...told });
      if (report.outcome === 'switched') await confirmActive(epoch, async () => channel, AbortSignal.timeout(10_000));
      return { report, roundTripMs };
    } finally {
      channel.close();
    }
  },
};

const handlers = {
  ticket: answerJson<'ticket'>(async () => (await source.open(migration)).ticket),
  tunnel: (_: unknown, stream: Parameters<typeof serveTunnel>[0]) => serveTunnel(stream, options.instance),
  async switch(_: unknown, stream: ConstructorParameters<typeof SwitchChannel>[0]) {
    answerSwitch(new SwitchChannel(stream), {
      migration,
      stream: migration,
      peer: peer.region,
      epochs,
      async prepare() {
        await target.healthy();
        return [{ name: store, store: target }];
      },
      async activate(epoch) {
        await target.activate(epoch);
        await gate.serve();
      },
    });
    await new Promise((resolve) => stream.once('close', resolve));
  },
};

export type Agent = typeof api;
serve(api);
