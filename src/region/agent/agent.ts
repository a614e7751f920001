import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../../base/folder-lock.ts';
import { log } from '../../base/log.ts';
import { forgetReserve, keepReserve } from '../../base/reserve.ts';
import { databaseEngines } from '../../drivers/registry.ts';
import { RegionName } from '../../protocol/app-record/names.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import { LinkClient } from '../link/link-client.ts';
import { LinkServer } from '../link/link-server.ts';
import type { Identity } from '../link/tls.ts';
import { composeRegion } from './answers.ts';
import { enrol } from './enrol.ts';
import { AgentIdentity } from './identity.ts';
import { type RegionFacts, regionInfo } from './info.ts';
import { type Listener, startListener } from './listener.ts';
import type { AssembleParts, RegionContext, RegionParts } from './parts.ts';
import { type AgentPorts, settlePorts } from './ports.ts';
import { RouterSupervisor } from './router-supervisor.ts';

export interface AgentOptions {
  name: string;
  dataFolder: string;
  /** Needed until the agent is enrolled. */
  server?: string;
  token?: string;
  /** The agent's port. Every port may be 0: one is then chosen, and kept over restarts. */
  listen: { host: string; port: number };
  /** Host under which the server and other regions reach this one. */
  advertise: string;
  httpPort: number;
  httpsPort?: number;
  ingressPort: number;
  /** How many addons and file trees are copied here at once. Default 4. */
  copies?: number;
  /** Of Docker on this host; the usual one if not given. */
  dockerSocket?: string | undefined;
  /** Host names of this region end in it: `shop.osc-fr1.example.org`. */
  domain: string;
}

/** More of them only share a disk that one can fill. */
const defaultCopies = 4;

export interface RunningAgent {
  address: RegionAddress;
  httpPort: number;
  httpsPort: number | null;
  router: Pick<RouterSupervisor, 'config' | 'pid'>;
  /** Apps, databases and the router go on, unless everything stops. */
  stop(options?: { everything?: boolean }): Promise<void>;
}

/** Starts a region's agent on its data folder. Throws `folder_in_use`, `not_enrolled`, and what enrolment throws. */
export async function startAgent(options: AgentOptions, assemble: AssembleParts): Promise<RunningAgent> {
  const how = { everything: false };
  // Each thing that was started, to be ended in the opposite order: by `stop`, or at once where a later start fails.
  await using started = new AsyncDisposableStack();
  started.defer(occupy(options.dataFolder));
  started.defer(holdReserve(options.dataFolder));
  const ports = await settlePorts(options.dataFolder, options.listen.host, wantedPorts(options));
  const address = { host: options.advertise, port: ports.agent, ingressPort: ports.ingress };
  const own = AgentIdentity.open(options.dataFolder);
  const identity = await identify(own, options, address);
  const router = superviseRouter(options, own, ports);
  await router.start();
  started.defer(() => (how.everything ? router.stop() : router.release()));
  const context = contextOf(options, identity, address, ports, router);
  started.defer(() => context.link.close());
  const parts = await assemble(context);
  started.defer(() => parts.stop(how));
  await parts.start();
  const listener = await listen(options, context, parts);
  started.defer(() => listener.close());
  log.info({ region: options.name, port: listener.port, http: ports.http, router: router.pid }, 'the agent is ready');
  return running(options, context, router, how, started.move());
}

function occupy(dataFolder: string): () => void {
  mkdirSync(dataFolder, { recursive: true });
  return lockFolder(join(dataFolder, 'agent.lock'), dataFolder);
}

/** Looked after once a minute: what a full disk took is made again when there is room. */
function holdReserve(dataFolder: string): () => void {
  keepReserve(dataFolder);
  const timer = setInterval(() => keepReserve(dataFolder), 60_000).unref();
  return () => {
    clearInterval(timer);
    forgetReserve(dataFolder);
  };
}

function wantedPorts({ listen, httpPort, ingressPort }: AgentOptions): AgentPorts {
  return { agent: listen.port, http: httpPort, ingress: ingressPort };
}

async function identify(
  own: AgentIdentity,
  { name, server, token }: AgentOptions,
  address: Omit<RegionAddress, 'region'>,
): Promise<Identity> {
  const region = RegionName.parse(name);
  const known = own.load();
  if (!known && !(server && token)) throw new StorkyError('not_enrolled', { region });
  const identity = server && token ? await enrol(own, { region, server, token, address }) : known!;
  if (identity.name === region) return identity;
  throw new StorkyError('bad_request', { field: '--name', detail: `this folder is the agent of ${identity.name}` });
}

function superviseRouter(options: AgentOptions, own: AgentIdentity, ports: AgentPorts): RouterSupervisor {
  const { host } = options.listen;
  return new RouterSupervisor({
    region: options.name,
    dataFolder: options.dataFolder,
    http: { host, port: ports.http },
    https: options.httpsPort === undefined ? undefined : { host, port: options.httpsPort },
    ingress: { host, port: ports.ingress },
    identity: own.files,
  });
}

function contextOf(
  options: AgentOptions,
  identity: Identity,
  address: Omit<RegionAddress, 'region'>,
  ports: AgentPorts,
  router: RouterSupervisor,
): RegionContext {
  const facts: RegionFacts = {
    address: { region: options.name, ...address },
    dataFolder: options.dataFolder,
    publicHttpPort: ports.http,
    publicHttpsPort: options.httpsPort ?? null,
    runtimes: ['local'],
    engines: databaseEngines,
  };
  return {
    ...facts,
    region: options.name,
    identity,
    domain: options.domain,
    routerSocket: router.config.socketPath,
    link: new LinkClient(identity),
    copies: options.copies ?? defaultCopies,
    dockerSocket: options.dockerSocket,
    info: () => regionInfo(facts),
  };
}

function listen(options: AgentOptions, context: RegionContext, parts: RegionParts): Promise<Listener> {
  return startListener({
    identity: context.identity,
    listen: { host: options.listen.host, port: context.address.port },
    router: composeRegion({ ...parts.answers, info: () => context.info() }),
    link: new LinkServer({ region: context.region, authorise: parts.authorise, handlers: parts.handlers }),
    receiveBuild: (sha256, archive) => parts.receiveBuild(sha256, archive),
  });
}

function running(
  options: AgentOptions,
  context: RegionContext,
  router: RouterSupervisor,
  how: { everything: boolean },
  started: AsyncDisposableStack,
): RunningAgent {
  return {
    address: context.address,
    httpPort: context.publicHttpPort,
    httpsPort: options.httpsPort ?? null,
    router,
    stop: async ({ everything = false } = {}) => {
      how.everything = everything;
      await started.disposeAsync();
    },
  };
}
